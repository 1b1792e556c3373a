#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace d2l::data {

// The labels of CIFAR's binary versions: those of CIFAR-10; the fine or the coarse ones of
// CIFAR-100.
enum class CifarLabels { ten, fine, coarse };

// The binary versions are files without a header. A record of CIFAR-10 has 3,073 bytes: a label in
// [0, 10), then 32 x 32 bytes each of red, green and blue, row by row. A record of CIFAR-100 begins
// with two labels: a coarse one in [0, 20) and a fine one in [0, 100).
struct CifarRecords {
  std::vector<uint8_t> images;  // [n, 32, 32, 3]: height, width, channels
  std::vector<uint8_t> labels;  // [n]
};

// Parses a file's content. Throws Error that begins with `name` and says what was expected and
// found.
CifarRecords parse_cifar(const std::vector<uint8_t>& bytes, const std::string& name,
                         CifarLabels labels);

// The files of `split` in `folder`, in order: data_batch_1*.bin, data_batch_2*.bin and so on, or
// test_batch*.bin; the '*' allows names of excerpts. Empty if there are none. Throws Error naming a
// missing or duplicate number.
std::vector<std::filesystem::path> find_cifar10(const std::filesystem::path& folder, Split split);

// The names that find_cifar10() looks for, for messages.
std::string cifar10_names(Split split);

// train.bin or test.bin in `folder`; nothing if it does not exist, or if its size is not that of
// CIFAR-100's records.
std::vector<std::filesystem::path> find_cifar100(const std::filesystem::path& folder, Split split);
std::string cifar100_names(Split split);

// The names of the 100 fine or the 20 coarse classes.
const std::vector<std::string>& cifar100_classes(CifarLabels labels);

// Opens the concatenated records of all files. Sets info.samples, info.shape and info.classes, and
// adds info.remarks if there are fewer records than in the original.
std::unique_ptr<Dataset> open_cifar(const std::vector<std::filesystem::path>& files, Split split,
                                    CifarLabels labels, DatasetInfo info);

}  // namespace d2l::data
