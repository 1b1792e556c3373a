#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace d2l::data {

// CIFAR-10's binary version: files without a header, of records of 3,073 bytes: a label in [0, 10),
// then 32 x 32 bytes of red, of green and of blue, row by row.
struct CifarRecords {
  std::vector<uint8_t> images;  // [n, 32, 32, 3]: height, width, channels
  std::vector<uint8_t> labels;  // [n]
};

// A file's content; `name` begins the messages. Throws Error saying what was expected and found.
CifarRecords parse_cifar10(const std::vector<uint8_t>& bytes, const std::string& name);

// The files of `split` in `folder`, in order: data_batch_1*.bin, data_batch_2*.bin and so on, or
// test_batch*.bin; whatever stands for '*' may say which part of the original it is. Empty when
// there are none. Throws Error naming a number that is missing or there twice.
std::vector<std::filesystem::path> find_cifar10(const std::filesystem::path& folder, Split split);

// What find_cifar10() looks for, in the words of a message.
std::string cifar10_names(Split split);

// The records of all files one after the other; info.samples and info.shape come from them, and
// info.remarks where they are fewer than the original's.
std::unique_ptr<Dataset> open_cifar10(const std::vector<std::filesystem::path>& files, Split split,
                                      DatasetInfo info);

}  // namespace d2l::data
