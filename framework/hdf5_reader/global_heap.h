#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "framework/hdf5_reader/bytes.h"

namespace d2l::hdf5 {

// The texts of variable length in a file. They are in collections, of which the last one is kept.
class GlobalHeap {
 public:
  // Bytes of a value of variable length: its length, the collection's address, and its number.
  static constexpr size_t kReferenceBytes = 4 + 8 + 4;

  explicit GlobalHeap(const Structures& file) : file_(file) {}

  // Throws FormatError for a text of more than `most` bytes.
  std::string text(std::span<const uint8_t> reference, uint64_t most);

 private:
  void open(uint64_t address);

  const Structures& file_;
  uint64_t opened_ = kNoAddress;
  std::vector<uint8_t> content_;
  std::map<uint64_t, std::span<const uint8_t>> objects_;  // by number; parts of content_
};

}  // namespace d2l::hdf5
