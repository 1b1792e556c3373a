#pragma once

#include <cstdint>
#include <vector>

#include "framework/checkpoint/index.h"

namespace d2l {

// The bytes of an HDF5 file that HDF5 writes around the datasets' elements, in memory. Building it
// does not access the disk, so disk errors occur only in plain writes, each with one error code.
// The elements, nearly all of a checkpoint, are not copied.
class Hdf5Frame {
 public:
  // Sets the `offset` of every piece. The first index_bytes of the file are left zero: HDF5 calls
  // them a user block and ignores them.
  Hdf5Frame(std::vector<FilePiece>& pieces, uint64_t index_bytes);
  ~Hdf5Frame();
  Hdf5Frame(const Hdf5Frame&) = delete;
  Hdf5Frame& operator=(const Hdf5Frame&) = delete;

  uint64_t file_bytes() const { return file_bytes_; }
  // Bytes [begin, end) of the file, which must not belong to a piece.
  std::vector<uint8_t> part(uint64_t begin, uint64_t end) const;

 private:
  uint8_t* memory_ = nullptr;
  uint64_t written_ = 0;  // bytes in memory_; the rest of the file is zeros or pieces
  uint64_t file_bytes_ = 0;
};

}  // namespace d2l
