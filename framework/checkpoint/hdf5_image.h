#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "framework/checkpoint/index.h"

namespace d2l {

// An HDF5 file as bytes in memory. Making it touches no disk, so whatever a disk does wrong later
// is one plain error code of one plain write.
class Hdf5Image {
 public:
  // `data[i]` are the bytes of pieces[i], whose offset is filled in. The first index_bytes of the
  // image are left zero: HDF5 calls them a user block and does not look at them.
  Hdf5Image(std::vector<Piece>& pieces, const std::vector<const void*>& data, uint64_t index_bytes);
  ~Hdf5Image();
  Hdf5Image(const Hdf5Image&) = delete;
  Hdf5Image& operator=(const Hdf5Image&) = delete;

  std::span<const uint8_t> bytes() const { return {memory_, size_}; }

 private:
  uint8_t* memory_ = nullptr;
  uint64_t size_ = 0;
};

}  // namespace d2l
