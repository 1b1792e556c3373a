#pragma once

#include <cstdint>
#include <vector>

#include "framework/checkpoint/index.h"

namespace d2l {

// An HDF5 file without its datasets' elements, as bytes in memory: what HDF5 writes around them.
// Making it touches no disk, so whatever a disk does wrong later is one plain error code of one
// plain write; and the elements, which are nearly all of a checkpoint, are not copied.
class Hdf5Frame {
 public:
  // Finds every piece its place, its `offset`. The first index_bytes of the file are left zero:
  // HDF5 calls them a user block and does not look at them.
  Hdf5Frame(std::vector<FilePiece>& pieces, uint64_t index_bytes);
  ~Hdf5Frame();
  Hdf5Frame(const Hdf5Frame&) = delete;
  Hdf5Frame& operator=(const Hdf5Frame&) = delete;

  uint64_t file_bytes() const { return file_bytes_; }
  // A part that belongs to no piece.
  std::vector<uint8_t> part(uint64_t begin, uint64_t end) const;

 private:
  uint8_t* memory_ = nullptr;
  uint64_t written_ = 0;  // bytes of memory_; behind them the file is zeros, or pieces
  uint64_t file_bytes_ = 0;
};

}  // namespace d2l
