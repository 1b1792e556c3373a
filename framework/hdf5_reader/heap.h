#pragma once

#include <cstdint>
#include <vector>

#include "framework/hdf5_reader/bytes.h"

// Storage of objects with many attributes or links: their texts in a heap, and an index.
namespace d2l::hdf5 {

enum class RecordType : uint8_t { huge_object = 1, link_name = 5, attribute_name = 8 };

// All records of a version 2 B-tree, in any order.
std::vector<std::vector<uint8_t>> read_records(const Structures& file, uint64_t address,
                                               RecordType type);

// A fractal heap.
class Heap {
 public:
  Heap(const Structures& file, uint64_t address);

  size_t id_bytes() const { return id_bytes_; }  // bytes of an object's ID
  std::vector<uint8_t> object(std::span<const uint8_t> id);

 private:
  struct Block {
    uint64_t address = kNoAddress;
    uint64_t offset = 0;  // of its first byte in the heap
    uint64_t bytes = 0;
  };

  uint64_t row_bytes(uint64_t row) const;  // size of the blocks in a row of the table
  std::vector<Block> read_table() const;
  void open(const Block& block);
  std::vector<uint8_t> managed(Cursor id);
  std::vector<uint8_t> huge(Cursor id);

  const Structures& file_;
  uint64_t address_;
  size_t id_bytes_ = 0, offset_bytes_ = 0, length_bytes_ = 0;
  bool checksums_ = false;
  uint64_t huge_objects_ = kNoAddress;
  std::vector<std::vector<uint8_t>> huge_records_;
  uint64_t width_ = 0, first_bytes_ = 0, most_bytes_ = 0;
  uint64_t root_ = kNoAddress, rows_ = 0;
  std::vector<Block> blocks_;
  Block opened_;
  std::vector<uint8_t> content_;  // of the block opened last
  uint64_t taken_ = 0;
};

}  // namespace d2l::hdf5
