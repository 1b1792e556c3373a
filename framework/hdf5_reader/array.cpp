#include "framework/hdf5_reader/array.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace d2l::hdf5 {
namespace {

constexpr uint64_t kMostElements = uint64_t{1} << 31;  // along an axis

uint64_t product(const std::vector<uint64_t>& sizes) {
  return std::accumulate(sizes.begin(), sizes.end(), uint64_t{1}, std::multiplies<>());
}

// The number of chunks of an array of `sizes`.
uint64_t chunk_count(const std::vector<uint64_t>& sizes, const std::vector<uint64_t>& chunk) {
  uint64_t count = 1;
  for (size_t axis = 0; axis < sizes.size(); ++axis) {
    count *= (sizes[axis] - 1) / chunk[axis] + 1;  // both below 2^31
    require(count <= kMostChunks, "expected at most ", kMostChunks, " chunks");
  }
  return count;
}

void read_layout(const Structures& file, const Message* layout, const Dataspace& space,
                 Array& array) {
  require(layout != nullptr, "it is not a dataset");
  Cursor cursor(layout->bytes);
  const uint64_t version = cursor.number(1), kind = cursor.number(1);
  require(kind != 3, "it is a virtual dataset, whose elements are in other files");
  require(kind == 2, "it is not stored in chunks");
  // Version 5 differs from 4 only in the width of sizes in the chunk index, which states it.
  require_version(version, 4, 5, "the layout");
  const uint64_t flags = cursor.number(1), rank = cursor.number(1), width = cursor.number(1);
  require_sound(rank == array.sizes.size() + 1, "chunks of ", rank - 1, " axes");
  for (size_t axis = 0; axis < array.sizes.size(); ++axis) {
    const uint64_t size = array.sizes[axis], step = cursor.number(width);
    require(size > 0 && size < kMostElements && step > 0 && step < kMostElements, "axis ", axis,
            " has size ", size, " in chunks of ", step);
    array.chunk.push_back(step);
  }
  require_sound(cursor.number(width) == array.type.bytes, "chunks of other elements");
  require((flags & 1) == 0, "its last chunks have no checksums");
  require(std::equal(space.most.begin() + 1, space.most.end(), array.sizes.begin() + 1),
          "it may grow along other axes than the first (h5py: maxshape)");
  array.chunks = read_chunk_index(file, cursor, chunk_count(array.sizes, array.chunk));
}

// Checks that a chunk's bytes are in the file and can decompress to its elements.
void check_chunk(const Structures& file, const Array& array, const StoredChunk& chunk,
                 uint64_t chunk_bytes) {
  require(chunk.address != kNoAddress, "one of its chunks was not written");
  require(chunk.address <= file.end() && chunk.bytes <= file.end() - chunk.address,
          "one of its chunks lies beyond the end of the file");
  const bool deflated =
      std::any_of(array.filters.begin(), array.filters.end(),
                  [](const Filter& filter) { return filter.kind == Filter::Kind::deflate; });
  require(chunk.bytes <= 2 * chunk_bytes + 64 &&
              chunk_bytes <= (deflated ? kDeflateRatio : 1) * chunk.bytes,
          "it promises ", chunk_bytes, " bytes in a chunk, more than the ", chunk.bytes,
          " that are stored can hold");
}

}  // namespace

uint64_t Array::bytes() const { return product(sizes) * type.bytes; }
uint64_t Array::chunk_bytes() const { return product(chunk) * type.bytes; }

Array read_array(const Structures& file, const Object& dataset, uint64_t most_bytes) {
  require(dataset.find(MessageType::external_files) == nullptr, "it is stored in other files");
  const Message* type = dataset.find(MessageType::datatype);
  const Message* space = dataset.find(MessageType::dataspace);
  const Message* filters = dataset.find(MessageType::filters);
  require(type != nullptr && space != nullptr, "it is not a dataset");
  Array array;
  array.type = parse_type(type->bytes);
  const Dataspace dataspace = parse_space(space->bytes);
  array.sizes = dataspace.sizes;
  require(!array.sizes.empty(), "expected an array, found one value");
  if (filters != nullptr) array.filters = parse_filters(filters->bytes);
  read_layout(file, dataset.find(MessageType::layout), dataspace, array);
  require(std::any_of(array.filters.begin(), array.filters.end(),
                      [](const Filter& f) { return f.kind == Filter::Kind::fletcher32; }),
          "it has no checksums (fletcher32)");

  uint64_t chunk_bytes = array.type.bytes;
  for (uint64_t step : array.chunk) {
    require(step <= most_bytes / chunk_bytes, "expected at most ", most_bytes, " bytes in a chunk");
    chunk_bytes *= step;
  }
  for (const StoredChunk& chunk : array.chunks) {
    check_chunk(file, array, chunk, chunk_bytes);
    array.stored_bytes += chunk.bytes;
  }
  require(array.stored_bytes <= file.end(), "it claims ", array.stored_bytes,
          " bytes of a file of ", file.end());
  return array;
}

std::vector<uint8_t> read_chunk(const ByteSource& file, const Array& array, size_t number) {
  const StoredChunk& chunk = array.chunks[number];
  std::vector<uint8_t> bytes(chunk.bytes);
  file.read(chunk.address, bytes);
  return undo_filters(array.filters, chunk.left_out, std::move(bytes), array.chunk_bytes());
}

}  // namespace d2l::hdf5
