#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "framework/hdf5/libhdf5.h"

namespace d2l::data::test {

// How a program other than d2l writes a shard.
struct ForeignWriter {
  H5F_libver_t version = H5F_LIBVER_V110;
  std::vector<int> filters = {H5Z_FILTER_FLETCHER32};  // in this order
  hsize_t chunk = 10;                                  // samples
  hsize_t label_chunk = 0;                             // labels; 0: all in one
  hsize_t most_samples = 0;     // maximum size, or H5S_UNLIMITED; 0: cannot grow
  bool remember_order = false;  // of attributes and links
  int more_attributes = 0;      // besides those of a shard
  int more_groups = 0;
  hid_t label_type = -1;           // instead of 64-bit integers
  std::string images_elsewhere{};  // "virtual", "external", "soft link", "external link": how
  std::string elsewhere{};         // the images are stored in this file instead
};

// Writes all of `source` as one shard of version 1.
void write_foreign(const std::filesystem::path& path, const Dataset& source,
                   const ForeignWriter& writer);

// Changes the elements of an HDF5 dataset in a file, and corrects its attribute `checksum` if it
// has one.
void rewrite_dataset(const std::filesystem::path& path, const std::string& name,
                     const std::function<void(std::vector<uint8_t>& elements)>& change);

// Stores an HDF5 dataset of a file anew, with the same elements and checksum.
struct ForeignStorage {
  hsize_t chunk = 0;     // rows; 0: contiguous
  bool compact = false;  // in the object header
  hid_t type = -1;       // instead of its own
  bool keeps_checksum = true;
};
void store_anew(const std::filesystem::path& path, const std::string& name,
                const ForeignStorage& storage);

}  // namespace d2l::data::test
