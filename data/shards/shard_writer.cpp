#include <algorithm>
#include <bit>
#include <numeric>
#include <string>

#include "data/shards/shard_file.h"
#include "data/shards/shard_reader.h"
#include "framework/base/files.h"
#include "framework/hdf5/libhdf5.h"

namespace d2l::data {

using libhdf5::Handle;
using libhdf5::require;

namespace {

static_assert(std::endian::native == std::endian::little, "checksums are over little-endian bytes");

constexpr int64_t kChunkBytes = int64_t{1} << 20;

struct DatasetLayout {
  const char* name;
  std::vector<hsize_t> sizes;
  std::vector<hsize_t> chunk;
  int deflate = 0;
};

// A chunked dataset whose chunks carry checksums.
Handle create_dataset(hid_t file, const DatasetLayout& layout, hid_t type) {
  const int rank = static_cast<int>(layout.sizes.size());
  Handle space(H5Screate_simple(rank, layout.sizes.data(), nullptr), H5Sclose);
  Handle creation(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  bool good = space.valid() && creation.valid() &&
              H5Pset_chunk(creation.id(), rank, layout.chunk.data()) >= 0 &&
              H5Pset_obj_track_times(creation.id(), false) >= 0;  // same input, same bytes
  if (layout.deflate > 0)
    good = good && H5Pset_deflate(creation.id(), static_cast<unsigned>(layout.deflate)) >= 0;
  good = good && H5Pset_fletcher32(creation.id()) >= 0;
  // whole chunks are written: a cache would only delay the error of a full disk
  Handle access(H5Pcreate(H5P_DATASET_ACCESS), H5Pclose);
  good = good && H5Pset_chunk_cache(access.id(), 0, 0, 1) >= 0;
  Handle dataset;
  if (good)
    dataset = Handle(
        H5Dcreate2(file, layout.name, type, space.id(), H5P_DEFAULT, creation.id(), access.id()),
        H5Dclose);
  require(dataset.valid(), "cannot make dataset '", layout.name, "'");
  return dataset;
}

void write_class_names(hid_t file, const ShardInfo& info) {
  const std::vector<std::string>& names = info.dataset.class_names;
  if (names.empty()) return;
  size_t length = 1;
  for (const std::string& name : names) length = std::max(length, name.size());
  std::string packed(length * names.size(), '\0');
  for (size_t i = 0; i < names.size(); ++i) names[i].copy(packed.data() + i * length, length);
  Handle type = libhdf5::text_type(length);
  Handle dataset =
      create_dataset(file, {"class_names", {names.size()}, {names.size()}, 0}, type.id());
  require(H5Dwrite(dataset.id(), type.id(), H5S_ALL, H5S_ALL, H5P_DEFAULT, packed.data()) >= 0,
          "cannot write class_names");
  libhdf5::write_integer(dataset.id(), "crc32", crc_of(0, packed.data(), packed.size()));
  require(dataset.close(), "cannot write class_names");
}

void write_attributes(hid_t file, const ShardInfo& info) {
  libhdf5::write_text(file, "format", "d2l-shard");
  libhdf5::write_integer(file, "version", 1);
  libhdf5::write_text(file, "dataset", info.dataset.name);
  libhdf5::write_text(file, "split", to_string(info.split));
  libhdf5::write_text(file, "source", info.dataset.source);
  libhdf5::write_text(file, "licence", info.dataset.licence);
  libhdf5::write_integer(file, "classes", info.dataset.classes);
  libhdf5::write_integer(file, "shard", info.index);
  libhdf5::write_integer(file, "shards", info.shards);
  libhdf5::write_integer(file, "first_sample", info.first);
  libhdf5::write_integer(file, "total_samples", info.dataset.samples);
}

// Writes chunk by chunk, so that memory does not grow with the shard. Returns the labels.
std::vector<int64_t> write_images(hid_t file, const ShardInfo& info, const Dataset& source,
                                  const std::function<void()>& progress) {
  std::vector<hsize_t> sizes{static_cast<hsize_t>(info.samples)};
  std::vector<hsize_t> chunk{static_cast<hsize_t>(info.chunk_samples)};
  for (int64_t size : info.dataset.shape) {
    sizes.push_back(static_cast<hsize_t>(size));
    chunk.push_back(static_cast<hsize_t>(size));
  }
  Handle dataset = create_dataset(file, {"images", sizes, chunk, info.deflate}, H5T_STD_U8LE);
  Handle space(H5Dget_space(dataset.id()), H5Sclose);

  std::vector<int64_t> labels(static_cast<size_t>(info.samples));
  std::vector<int64_t> indices;
  std::vector<uint8_t> images;
  const size_t elements = static_cast<size_t>(info.dataset.input_elements());
  uint32_t crc = 0;
  for (int64_t at = 0; at < info.samples; at += info.chunk_samples) {
    progress();
    const int64_t count = std::min(info.chunk_samples, info.samples - at);
    indices.resize(static_cast<size_t>(count));
    std::iota(indices.begin(), indices.end(), info.first + at);
    images.resize(indices.size() * elements);
    source.read_bytes(indices, images.data(), labels.data() + at);
    crc = crc_of(crc, images.data(), images.size());

    std::vector<hsize_t> start(sizes.size(), 0), block = sizes;
    start[0] = static_cast<hsize_t>(at);
    block[0] = static_cast<hsize_t>(count);
    Handle memory(H5Screate_simple(static_cast<int>(block.size()), block.data(), nullptr),
                  H5Sclose);
    require(H5Sselect_hyperslab(space.id(), H5S_SELECT_SET, start.data(), nullptr, block.data(),
                                nullptr) >= 0 &&
                H5Dwrite(dataset.id(), H5T_NATIVE_UINT8, memory.id(), space.id(), H5P_DEFAULT,
                         images.data()) >= 0,
            "cannot write images ", at, " to ", at + count - 1);
  }
  libhdf5::write_integer(dataset.id(), "crc32", crc);
  require(dataset.close(), "cannot write images");
  return labels;
}

void write_labels(hid_t file, const ShardInfo& info, const std::vector<int64_t>& labels) {
  for (size_t i = 0; i < labels.size(); ++i)
    check(labels[i] >= 0 && labels[i] < info.dataset.classes, "expected labels in [0, ",
          info.dataset.classes, "), sample ", info.first + static_cast<int64_t>(i), " has ",
          labels[i]);
  Handle dataset = create_dataset(file, {"labels", {labels.size()}, {labels.size()}, info.deflate},
                                  H5T_STD_I64LE);
  require(
      H5Dwrite(dataset.id(), H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, labels.data()) >= 0,
      "cannot write labels");
  libhdf5::write_integer(dataset.id(), "crc32",
                         crc_of(0, labels.data(), labels.size() * sizeof(int64_t)));
  require(dataset.close(), "cannot write labels");
}

void write_file(const std::filesystem::path& path, const ShardInfo& info, const Dataset& source,
                const std::function<void()>& progress) {
  libhdf5::Quiet quiet;
  Handle file = libhdf5::create_file(path);
  write_attributes(file.id(), info);
  write_class_names(file.id(), info);
  write_labels(file.id(), info, write_images(file.id(), info, source, progress));
  require(H5Fflush(file.id(), H5F_SCOPE_GLOBAL) >= 0 && file.close(), "cannot finish the file");
}

}  // namespace

std::string shard_name(Split split, int index, int shards) {
  char numbers[64];
  std::snprintf(numbers, sizeof numbers, "-%05d-of-%05d.h5", index, shards);
  return to_string(split) + numbers;
}

void write_shard(const std::filesystem::path& path, ShardInfo info, const Dataset& source,
                 const std::function<void()>& progress) {
  check(info.samples > 0 && info.first >= 0 && info.first + info.samples <= source.samples(),
        path.string(), ": samples ", info.first, " to ", info.first + info.samples - 1,
        " are not in ", source.name(), ", which has ", source.samples());
  check(info.dataset.shape == source.shape(), path.string(), ": expected inputs of shape ",
        info.dataset.shape, ", found ", source.shape());
  check(info.deflate >= 0 && info.deflate <= 9, path.string(),
        ": expected a compression level of 0 to 9, found ", info.deflate);
  if (info.chunk_samples == 0) {
    // chunks of equal size: the last one is padded in the file
    const int64_t most = std::max<int64_t>(kChunkBytes / info.dataset.input_elements(), 1);
    const int64_t chunks = (info.samples - 1) / most + 1;
    info.chunk_samples = (info.samples - 1) / chunks + 1;
  }
  info.chunk_samples = std::clamp<int64_t>(info.chunk_samples, 1, info.samples);
  replace_file(path, [&](const std::filesystem::path& temporary) {
    try {
      write_file(temporary, info, source, progress);
      // A file that readers would reject does not get its final name.
      read_description(InputFile(temporary, std::make_shared<DescriptorPool>(1)));
    } catch (const Error& error) {
      fail("cannot write ", path.string(), ": ", error.what());
    }
  });
}

}  // namespace d2l::data
