#pragma once

#include <cstdint>
#include <vector>

#include "data/hdf5/chunk_index.h"
#include "data/hdf5/filters.h"
#include "data/hdf5/object.h"

namespace d2l::data::hdf5 {

// A dataset that is stored in chunks with checksums in the file itself.
struct Array {
  ElementType type;
  std::vector<uint64_t> sizes, chunk;  // of the array and of a chunk, in elements by axis
  std::vector<Filter> filters;
  std::vector<StoredChunk> chunks;  // row by row
  uint64_t stored_bytes = 0;        // of all chunks in the file

  uint64_t bytes() const;        // of all elements
  uint64_t chunk_bytes() const;  // of a whole chunk's elements
};

// Reads a dataset's description and its index, and proves that the file holds the bytes that it
// promises, `most_bytes` at most in a chunk. FormatError for everything that Array does not cover.
Array read_array(const Structures& file, const Object& dataset, uint64_t most_bytes);

// The elements of one chunk, which may reach beyond the array.
std::vector<uint8_t> read_chunk(const InputFile& file, const Array& array, size_t number);

}  // namespace d2l::data::hdf5
