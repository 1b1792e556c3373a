#include "tests/data/foreign_shard.h"

#include <zlib.h>

#include <algorithm>

#include "framework/base/checksum.h"
#include "framework/base/error.h"
#include "tests/data/data_support.h"

namespace d2l::data::test {
namespace {

using libhdf5::Handle;

void done(hid_t result) { check(result >= 0, "HDF5 cannot do what a test wants"); }

Handle made(hid_t id, herr_t (*closer)(hid_t)) {
  done(id);
  return {id, closer};
}

void set_filters(hid_t creation, const std::vector<int>& filters) {
  for (int filter : filters) {
    if (filter == H5Z_FILTER_FLETCHER32) done(H5Pset_fletcher32(creation));
    if (filter == H5Z_FILTER_DEFLATE) done(H5Pset_deflate(creation, 6));
    if (filter == H5Z_FILTER_SHUFFLE) done(H5Pset_shuffle(creation));
    if (filter == H5Z_FILTER_NBIT) done(H5Pset_nbit(creation));
  }
}

struct ForeignDataset {
  std::string name;
  hid_t type;         // in the file
  hid_t memory_type;  // of the elements in `bytes`
  std::vector<hsize_t> sizes, chunk;
  std::vector<uint8_t> bytes;
};

void write_dataset(hid_t file, const ForeignDataset& dataset, const ForeignWriter& writer) {
  std::vector<hsize_t> most = dataset.sizes;
  if (writer.most_samples > 0) most[0] = writer.most_samples;
  const int rank = static_cast<int>(most.size());
  const Handle space = made(H5Screate_simple(rank, dataset.sizes.data(), most.data()), H5Sclose);
  const Handle creation = made(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  if (writer.chunk > 0) done(H5Pset_chunk(creation.id(), rank, dataset.chunk.data()));
  if (writer.chunk > 0) set_filters(creation.id(), writer.filters);
  const Handle handle = made(H5Dcreate2(file, dataset.name.c_str(), dataset.type, space.id(),
                                        H5P_DEFAULT, creation.id(), H5P_DEFAULT),
                             H5Dclose);
  done(H5Dwrite(handle.id(), dataset.memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT,
                dataset.bytes.data()));
  libhdf5::write_integer(
      handle.id(), "crc32",
      static_cast<int64_t>(crc32_z(0, dataset.bytes.data(), dataset.bytes.size())));
}

void write_elsewhere(hid_t file, const ForeignDataset& images, const ForeignWriter& writer) {
  const std::string& target = writer.elsewhere;
  if (writer.images_elsewhere == "soft link")
    return done(H5Lcreate_soft("/labels", file, "images", H5P_DEFAULT, H5P_DEFAULT));
  if (writer.images_elsewhere == "external link")
    return done(
        H5Lcreate_external(target.c_str(), "/images", file, "images", H5P_DEFAULT, H5P_DEFAULT));
  const int rank = static_cast<int>(images.sizes.size());
  const Handle space = made(H5Screate_simple(rank, images.sizes.data(), nullptr), H5Sclose);
  const Handle creation = made(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  if (writer.images_elsewhere == "virtual")
    done(H5Pset_virtual(creation.id(), space.id(), target.c_str(), "/images", space.id()));
  else
    done(H5Pset_external(creation.id(), target.c_str(), 0, images.bytes.size()));
  const Handle handle = made(
      H5Dcreate2(file, "images", images.type, space.id(), H5P_DEFAULT, creation.id(), H5P_DEFAULT),
      H5Dclose);
  libhdf5::write_integer(handle.id(), "crc32", 1);
}

void write_root(hid_t file, const DatasetInfo& info, const ForeignWriter& writer) {
  for (int i = 0; i < writer.more_attributes; ++i)
    libhdf5::write_integer(file, ("more" + std::to_string(i)).c_str(), i);
  for (int i = 0; i < writer.more_groups; ++i)
    made(H5Gcreate2(file, ("group" + std::to_string(i)).c_str(), H5P_DEFAULT, H5P_DEFAULT,
                    H5P_DEFAULT),
         H5Gclose);
  libhdf5::write_text(file, "format", "d2l-shard");
  libhdf5::write_text(file, "dataset", info.name);
  libhdf5::write_text(file, "split", "train");
  libhdf5::write_text(file, "source", info.source);
  libhdf5::write_text(file, "licence", info.licence);
  const std::vector<std::pair<const char*, int64_t>> numbers{
      {"version", 1}, {"classes", info.classes}, {"shard", 0},
      {"shards", 1},  {"first_sample", 0},       {"total_samples", info.samples}};
  for (const auto& [name, value] : numbers) libhdf5::write_integer(file, name, value);
}

}  // namespace

void write_foreign(const std::filesystem::path& path, const Dataset& source,
                   const ForeignWriter& writer) {
  const libhdf5::Quiet quiet;
  const Handle access = made(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  const Handle creation = made(H5Pcreate(H5P_FILE_CREATE), H5Pclose);
  done(H5Pset_libver_bounds(access.id(), writer.version, H5F_LIBVER_LATEST));
  if (writer.remember_order) {
    const unsigned order = H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED;
    done(H5Pset_link_creation_order(creation.id(), order));
    done(H5Pset_attr_creation_order(creation.id(), order));
  }
  Handle handle =
      made(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation.id(), access.id()), H5Fclose);
  const hid_t file = handle.id();
  const DatasetInfo& info = source.info();
  write_root(file, info, writer);

  const Content content = content_of(source);
  const auto samples = static_cast<hsize_t>(info.samples);
  ForeignDataset images{"images",  H5T_STD_U8LE,   H5T_NATIVE_UINT8,
                        {samples}, {writer.chunk}, content.images};
  for (int64_t size : info.shape) {
    images.sizes.push_back(static_cast<hsize_t>(size));
    images.chunk.push_back(static_cast<hsize_t>(size));
  }
  if (writer.images_elsewhere.empty())
    write_dataset(file, images, writer);
  else
    write_elsewhere(file, images, writer);
  const auto* labels = reinterpret_cast<const uint8_t*>(content.labels.data());
  write_dataset(file,
                {"labels",
                 writer.label_type >= 0 ? writer.label_type : H5T_STD_I64LE,
                 H5T_NATIVE_INT64,
                 {samples},
                 {writer.label_chunk > 0 ? writer.label_chunk : samples},
                 {labels, labels + content.labels.size() * sizeof(int64_t)}},
                writer);
  check(handle.close(), "HDF5 cannot write what a test wants");
}

namespace {

Handle open_file(const std::filesystem::path& path) {
  return made(H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT), H5Fclose);
}

std::vector<uint8_t> elements_of(hid_t dataset, hid_t type) {
  const Handle space = made(H5Dget_space(dataset), H5Sclose);
  const auto count = static_cast<size_t>(H5Sget_simple_extent_npoints(space.id()));
  std::vector<uint8_t> elements(count * H5Tget_size(type));
  done(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, elements.data()));
  return elements;
}

}  // namespace

void rewrite_dataset(const std::filesystem::path& path, const std::string& name,
                     const std::function<void(std::vector<uint8_t>&)>& change) {
  const libhdf5::Quiet quiet;
  const Handle file = open_file(path);
  const Handle dataset = made(H5Dopen2(file.id(), name.c_str(), H5P_DEFAULT), H5Dclose);
  const Handle type = made(H5Dget_type(dataset.id()), H5Tclose);
  std::vector<uint8_t> elements = elements_of(dataset.id(), type.id());
  change(elements);
  done(H5Dwrite(dataset.id(), type.id(), H5S_ALL, H5S_ALL, H5P_DEFAULT, elements.data()));
  if (H5Aexists(dataset.id(), "checksum") <= 0) return;
  done(H5Adelete(dataset.id(), "checksum"));
  libhdf5::write_text(dataset.id(), "checksum",
                      checksum_text(checksum(elements.data(), elements.size())));
}

void store_anew(const std::filesystem::path& path, const std::string& name,
                const ForeignStorage& storage) {
  const libhdf5::Quiet quiet;
  const Handle file = open_file(path);
  std::vector<uint8_t> elements;
  Handle type, space;
  {
    const Handle dataset = made(H5Dopen2(file.id(), name.c_str(), H5P_DEFAULT), H5Dclose);
    type = storage.type >= 0 ? made(H5Tcopy(storage.type), H5Tclose)
                             : made(H5Dget_type(dataset.id()), H5Tclose);
    space = made(H5Dget_space(dataset.id()), H5Sclose);
    elements = elements_of(dataset.id(), type.id());
  }
  done(H5Ldelete(file.id(), name.c_str(), H5P_DEFAULT));
  const Handle creation = made(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  if (storage.chunk > 0) done(H5Pset_chunk(creation.id(), 1, &storage.chunk));
  if (storage.compact) done(H5Pset_layout(creation.id(), H5D_COMPACT));
  const Handle dataset = made(H5Dcreate2(file.id(), name.c_str(), type.id(), space.id(),
                                         H5P_DEFAULT, creation.id(), H5P_DEFAULT),
                              H5Dclose);
  done(H5Dwrite(dataset.id(), type.id(), H5S_ALL, H5S_ALL, H5P_DEFAULT, elements.data()));
  if (storage.keeps_checksum)
    libhdf5::write_text(dataset.id(), "checksum",
                        checksum_text(checksum(elements.data(), elements.size())));
}

}  // namespace d2l::data::test
