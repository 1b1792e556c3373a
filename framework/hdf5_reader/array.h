#pragma once

#include <cstdint>
#include <vector>

#include "framework/hdf5_reader/chunk_index.h"
#include "framework/hdf5_reader/filters.h"
#include "framework/hdf5_reader/object.h"

namespace d2l::hdf5 {

// A dataset stored in the file itself, in chunks with checksums.
struct Array {
  ElementType type;
  std::vector<uint64_t> sizes, chunk;  // of the array and of a chunk: elements per axis
  std::vector<Filter> filters;
  std::vector<StoredChunk> chunks;  // in row-major order
  uint64_t stored_bytes = 0;        // of all chunks in the file

  uint64_t bytes() const;        // of all elements
  uint64_t chunk_bytes() const;  // of the elements of a full chunk
};

// Reads a dataset's description and index, and checks that the file contains all chunks and that a
// chunk has at most `most_bytes`. Throws FormatError for everything that Array does not support.
Array read_array(const Structures& file, const Object& dataset, uint64_t most_bytes);

// The elements of one chunk, including those beyond the array's end.
std::vector<uint8_t> read_chunk(const ByteSource& file, const Array& array, size_t number);

}  // namespace d2l::hdf5
