#pragma once

#include <cstdint>
#include <vector>

#include "data/hdf5/bytes.h"

namespace d2l::data::hdf5 {

// Where a chunk lies in the file.
struct StoredChunk {
  uint64_t address = kNoAddress;
  uint64_t bytes = 0;
  uint32_t left_out = 0;  // the filters that it did not go through, see undo_filters
};

constexpr uint64_t kMostChunks = uint64_t{1} << 22;

// The first `count` chunks, at most kMostChunks, of a dataset whose first axis alone may grow, row
// by row. `layout` has come to the kind of index; FormatError for those that such datasets with
// filters do not have.
std::vector<StoredChunk> read_chunk_index(const Structures& file, Cursor layout, uint64_t count);

}  // namespace d2l::data::hdf5
