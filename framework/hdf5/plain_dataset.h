#pragma once

#include <vector>

#include "framework/hdf5/libhdf5.h"

// Writes HDF5 datasets that hdf5::read_plain_array() reads. All throw Error naming the dataset.
namespace d2l::libhdf5 {

struct PlainDataset {
  const char* name;
  hid_t type;
  std::vector<hsize_t> sizes;
};

// A dataset that is stored in one piece. Its place in the file is known at once.
Handle create_dataset(hid_t file, const PlainDataset& plain);

Handle write_dataset(hid_t file, const PlainDataset& plain, const void* elements);

// The same, with the checksum of the elements as an attribute.
Handle write_checked(hid_t file, const PlainDataset& plain, const void* elements, size_t bytes);

void close(Handle& dataset, const char* name);

}  // namespace d2l::libhdf5
