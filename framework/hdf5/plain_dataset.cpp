#include "framework/hdf5/plain_dataset.h"

#include "framework/base/checksum.h"

namespace d2l::libhdf5 {

Handle create_dataset(hid_t file, const PlainDataset& plain) {
  const Handle space(
      H5Screate_simple(static_cast<int>(plain.sizes.size()), plain.sizes.data(), nullptr),
      H5Sclose);
  const Handle creation(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  Handle dataset;
  if (space.valid() && creation.valid() && H5Pset_layout(creation.id(), H5D_CONTIGUOUS) >= 0 &&
      H5Pset_alloc_time(creation.id(), H5D_ALLOC_TIME_EARLY) >= 0 &&
      H5Pset_fill_time(creation.id(), H5D_FILL_TIME_NEVER) >= 0 &&
      H5Pset_obj_track_times(creation.id(), false) >= 0)  // same input, same bytes
    dataset = Handle(H5Dcreate2(file, plain.name, plain.type, space.id(), H5P_DEFAULT,
                                creation.id(), H5P_DEFAULT),
                     H5Dclose);
  require(dataset.valid(), "cannot make dataset '", plain.name, "'");
  return dataset;
}

Handle write_dataset(hid_t file, const PlainDataset& plain, const void* elements) {
  Handle dataset = create_dataset(file, plain);
  require(H5Dwrite(dataset.id(), plain.type, H5S_ALL, H5S_ALL, H5P_DEFAULT, elements) >= 0,
          "cannot write dataset '", plain.name, "'");
  return dataset;
}

Handle write_checked(hid_t file, const PlainDataset& plain, const void* elements, size_t bytes) {
  Handle dataset = write_dataset(file, plain, elements);
  write_text(dataset.id(), "checksum", checksum_text(checksum(elements, bytes)));
  return dataset;
}

void close(Handle& dataset, const char* name) {
  require(dataset.close(), "cannot write dataset '", name, "'");
}

}  // namespace d2l::libhdf5
