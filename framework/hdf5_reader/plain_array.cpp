#include "framework/hdf5_reader/plain_array.h"

namespace d2l::hdf5 {

PlainArray read_plain_array(const Structures& file, const Object& dataset, Rank rank) {
  require(dataset.find(MessageType::external_files) == nullptr, "it is stored in other files");
  const Message* type = dataset.find(MessageType::datatype);
  const Message* space = dataset.find(MessageType::dataspace);
  const Message* layout = dataset.find(MessageType::layout);
  require(type != nullptr && space != nullptr && layout != nullptr, "it is not a dataset");
  PlainArray array;
  array.type = parse_type(type->bytes);
  array.sizes = parse_space(space->bytes).sizes;
  require(!array.sizes.empty() || rank == Rank::any, "expected an array, found one value");

  Cursor cursor(layout->bytes);
  const uint64_t version = cursor.number(1), kind = cursor.number(1);
  require(kind == 1, "it is not stored contiguously");
  // Versions 3 to 5 store a contiguous array in the same way.
  require_version(version, 3, 5, "the layout");
  array.address = cursor.address();
  array.bytes = cursor.number(8);
  require(array.address != kNoAddress, "its elements were not written");
  require(array.address <= file.end() && array.bytes <= file.end() - array.address, "its ",
          array.bytes, " bytes lie beyond the end of the file");

  uint64_t bytes = array.type.bytes;
  for (uint64_t size : array.sizes) {
    require(size > 0 && bytes <= array.bytes / size, "its shape does not fit its ", array.bytes,
            " bytes");
    bytes *= size;
  }
  require_sound(bytes == array.bytes, bytes, " bytes of elements in ", array.bytes);
  return array;
}

}  // namespace d2l::hdf5
