#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace d2l::data {

// The IDX format of MNIST: two zero bytes, a type byte (8: unsigned bytes, the only one read here),
// the number of axes, one big-endian 32-bit size per axis, then the elements. Whether a file is
// compressed with gzip is seen from its content, not from its name.
struct IdxArray {
  Shape shape;
  std::vector<uint8_t> bytes;
};

// Throws Error naming the file, what was expected and what was found. A header that lies about its
// sizes cannot make it allocate more than the file really holds.
IdxArray read_idx(const std::filesystem::path& path);
// The same for a file's content; `name` begins the messages.
IdxArray parse_idx(std::vector<uint8_t> bytes, const std::string& name);

// Durable and atomic (replace_file). A name that ends in .gz is compressed.
void write_idx(const std::filesystem::path& path, const Shape& shape,
               std::span<const uint8_t> bytes);

struct IdxFiles {
  std::filesystem::path images, labels;
};

// The files of `split` in a folder under the names that MNIST's have: train- or t10k-images and
// -labels, each for itself with '-' or '.' before "idx", compressed or not. Where one is there in
// several spellings the plain file with '-' is taken first. Nothing where neither is there; throws
// Error where only one is, with what the folder holds instead.
std::optional<IdxFiles> find_idx(const std::filesystem::path& folder, Split split);
// What find_idx() looks for, in the words of a message.
std::string idx_names(Split split);

// Images [n, height, width] or [n, height, width, channels] with labels [n]. info.samples and
// info.shape come from the files, and info.classes too when it is 0 (largest label + 1). Throws
// Error when the two do not belong together.
std::unique_ptr<Dataset> open_idx(const std::filesystem::path& images,
                                  const std::filesystem::path& labels, DatasetInfo info);

}  // namespace d2l::data
