#pragma once

#include <cstdint>
#include <vector>

#include "framework/hdf5_reader/bytes.h"

namespace d2l::hdf5 {

// The location of a chunk in the file.
struct StoredChunk {
  uint64_t address = kNoAddress;
  uint64_t bytes = 0;
  uint32_t left_out = 0;  // mask of the filters not applied, see undo_filters
};

constexpr uint64_t kMostChunks = uint64_t{1} << 22;

// The first `count` chunks (at most kMostChunks), in row-major order, of a dataset that may grow
// only along its first axis. `layout` is positioned at the kind of index. Throws FormatError for
// kinds that such datasets with filters cannot have.
std::vector<StoredChunk> read_chunk_index(const Structures& file, Cursor layout, uint64_t count);

}  // namespace d2l::hdf5
