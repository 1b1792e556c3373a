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
// the number of axes, one big-endian 32-bit size per axis, then the elements. gzip compression is
// detected from the content, not from the name.
struct IdxArray {
  Shape shape;
  std::vector<uint8_t> bytes;
};

// Throws Error naming the file, what was expected and what was found. A header with false sizes
// cannot make it allocate more than the file's actual content.
IdxArray read_idx(const std::filesystem::path& path);
// The same for a file's content; messages begin with `name`.
IdxArray parse_idx(std::vector<uint8_t> bytes, const std::string& name);

// Durable and atomic (replace_file). Compresses if the name ends in .gz.
void write_idx(const std::filesystem::path& path, const Shape& shape,
               std::span<const uint8_t> bytes);

struct IdxFiles {
  std::filesystem::path images, labels;
};

// The files of `split` in a folder, named as in MNIST: train- or t10k-images and -labels, each with
// '-' or '.' before "idx", compressed or not. Of several spellings of a file, '-' is preferred to
// '.', then plain to compressed. Nothing if both files are missing; throws Error with the folder's
// content if only one is.
std::optional<IdxFiles> find_idx(const std::filesystem::path& folder, Split split);
// The names that find_idx() looks for, for messages.
std::string idx_names(Split split);

// Images [n, height, width] or [n, height, width, channels] with labels [n]. Sets info.samples and
// info.shape from the files, and info.classes if it is 0 (largest label + 1). Throws Error if the
// two files do not match.
std::unique_ptr<Dataset> open_idx(const std::filesystem::path& images,
                                  const std::filesystem::path& labels, DatasetInfo info);

}  // namespace d2l::data
