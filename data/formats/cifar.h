#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace d2l::data {

// CIFAR-10's binary version: files without a header, of records of 3,073 bytes: a label in [0, 10),
// then 32 x 32 bytes each of red, green and blue, row by row.
struct CifarRecords {
  std::vector<uint8_t> images;  // [n, 32, 32, 3]: height, width, channels
  std::vector<uint8_t> labels;  // [n]
};

// Parses a file's content. Throws Error that begins with `name` and says what was expected and
// found.
CifarRecords parse_cifar10(const std::vector<uint8_t>& bytes, const std::string& name);

// The files of `split` in `folder`, in order: data_batch_1*.bin, data_batch_2*.bin and so on, or
// test_batch*.bin; the '*' allows names of excerpts. Empty if there are none. Throws Error naming a
// missing or duplicate number.
std::vector<std::filesystem::path> find_cifar10(const std::filesystem::path& folder, Split split);

// The names that find_cifar10() looks for, for messages.
std::string cifar10_names(Split split);

// Opens the concatenated records of all files. Sets info.samples, info.shape and info.classes, and
// adds info.remarks if there are fewer records than in the original.
std::unique_ptr<Dataset> open_cifar10(const std::vector<std::filesystem::path>& files, Split split,
                                      DatasetInfo info);

}  // namespace d2l::data
