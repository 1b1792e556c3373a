#include "data/shard_file.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <mutex>
#include <string>

#include "data/shard_hdf5.h"

namespace d2l::data {

using hdf5::Handle;
using hdf5::require;

namespace {

constexpr int64_t kLargestAxis = int64_t{1} << 31;
constexpr uint64_t kLargestChunk = uint64_t{1} << 28;  // bytes
constexpr uint64_t kLargestRatio = 1032;               // deflate cannot do better

uint32_t crc_of(const void* bytes, size_t count) {
  return static_cast<uint32_t>(crc32_z(0, static_cast<const Bytef*>(bytes), count));
}

// HDF5's newest layout protects everything it says about the file with checksums; older ones, which
// d2l never writes, do not.
void check_signature(const std::filesystem::path& path) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  check(std::filesystem::is_regular_file(status), "cannot read ", path.string(), ": ",
        std::filesystem::exists(status) ? "not a regular file" : "no such file");
  std::array<char, 12> head{};
  std::ifstream stream(path, std::ios::binary);
  stream.read(head.data(), head.size());
  check(stream.good() && std::string(head.data(), 8) == "\x89HDF\r\n\x1a\n", path.string(),
        ": expected a d2l shard, found no HDF5 file");
  check((head[8] == 2 || head[8] == 3) && head[9] == 8 && head[10] == 8, path.string(),
        ": expected a d2l shard, found an HDF5 file of another layout (superblock version ",
        static_cast<int>(head[8]), ")");
}

struct OpenDataset {
  Handle handle;
  std::vector<hsize_t> sizes, chunk;
  int deflate = 0;
  uint32_t crc = 0;
};

// The storage of a dataset must be what the writer makes: chunks with checksums, nothing elsewhere.
void read_storage(OpenDataset& dataset, const std::string& where) {
  Handle creation(H5Dget_create_plist(dataset.handle.id()), H5Pclose);
  require(creation.valid(), where, " cannot be read");
  check(H5Pget_layout(creation.id()) == H5D_CHUNKED, where, " is not stored in chunks");
  check(H5Pget_external_count(creation.id()) == 0, where, " is stored in other files");
  dataset.chunk.resize(dataset.sizes.size());
  const int rank = static_cast<int>(dataset.sizes.size());
  require(H5Pget_chunk(creation.id(), rank, dataset.chunk.data()) == rank, where,
          " has damaged chunks");
  bool checksums = false;
  const int filters = H5Pget_nfilters(creation.id());
  for (int i = 0; i < filters; ++i) {
    unsigned flags = 0, values[8] = {}, config = 0;
    size_t count = 8;
    const H5Z_filter_t filter = H5Pget_filter2(creation.id(), static_cast<unsigned>(i), &flags,
                                               &count, values, 0, nullptr, &config);
    check(filter == H5Z_FILTER_DEFLATE || filter == H5Z_FILTER_FLETCHER32, where, " uses filter ",
          filter, "; expected deflate and fletcher32 only");
    if (filter == H5Z_FILTER_DEFLATE) dataset.deflate = static_cast<int>(values[0]);
    checksums = checksums || filter == H5Z_FILTER_FLETCHER32;
  }
  check(checksums, where, " has no checksums (fletcher32)");
}

// Opens a dataset of `rank` axes and proves that a file of `file_bytes` can hold what it promises.
OpenDataset open_dataset_of(hid_t file, const char* name, int rank, uint64_t file_bytes,
                            const std::string& path) {
  const std::string where = path + ": dataset '" + name + "'";
  H5L_info_t link;
  check(H5Lexists(file, name, H5P_DEFAULT) > 0 &&
            H5Lget_info(file, name, &link, H5P_DEFAULT) >= 0 && link.type == H5L_TYPE_HARD,
        where, " is missing");
  Handle access(H5Pcreate(H5P_DATASET_ACCESS), H5Pclose);
  require(H5Pset_chunk_cache(access.id(), 0, 0, 1) >= 0, where, " cannot be read");
  OpenDataset dataset;
  dataset.handle = Handle(H5Dopen2(file, name, access.id()), H5Dclose);
  require(dataset.handle.valid(), where, " cannot be read");
  Handle space(H5Dget_space(dataset.handle.id()), H5Sclose);
  require(space.valid(), where, " cannot be read");
  const int found = H5Sget_simple_extent_ndims(space.id());
  check(found == rank, where, ": expected ", rank, " axes, found ", found);
  dataset.sizes.resize(static_cast<size_t>(rank));
  H5Sget_simple_extent_dims(space.id(), dataset.sizes.data(), nullptr);
  read_storage(dataset, where);

  Handle type(H5Dget_type(dataset.handle.id()), H5Tclose);
  const size_t element = type.valid() ? H5Tget_size(type.id()) : 0;
  check(element > 0 && element < 65536, where, " has damaged elements");
  // Both the content and one chunk, which is padded and may be larger.
  uint64_t content = element, chunk = element;
  const uint64_t stored = H5Dget_storage_size(dataset.handle.id());
  check(stored <= file_bytes, where, ": claims ", stored, " bytes of a file of ", file_bytes);
  const uint64_t most = dataset.deflate > 0 ? stored * kLargestRatio : stored;
  bool fits = true;
  for (size_t axis = 0; axis < dataset.sizes.size(); ++axis) {
    const uint64_t size = dataset.sizes[axis], step = dataset.chunk[axis];
    check(size > 0 && size < kLargestAxis && step > 0 && step < kLargestAxis, where, ": axis ",
          axis, " has size ", size, " in chunks of ", step);
    fits = fits && size <= most / content && step <= kLargestChunk / chunk;
    if (!fits) break;
    content *= size;
    chunk *= step;
  }
  check(fits, where, " promises more bytes than the ", stored, " that are stored can hold");
  dataset.crc = static_cast<uint32_t>(hdf5::read_integer(dataset.handle.id(), "crc32", where));
  return dataset;
}

void check_crc(uint32_t found, uint32_t expected, const std::string& where) {
  check(found == expected, where, " is damaged: expected checksum ", expected, ", found ", found);
}

std::vector<int64_t> read_labels(hid_t file, uint64_t file_bytes, const std::string& path) {
  OpenDataset dataset = open_dataset_of(file, "labels", 1, file_bytes, path);
  Handle type(H5Dget_type(dataset.handle.id()), H5Tclose);
  check(H5Tget_class(type.id()) == H5T_INTEGER && H5Tget_size(type.id()) == sizeof(int64_t), path,
        ": dataset 'labels': expected 64-bit integers");
  std::vector<int64_t> labels(dataset.sizes[0]);
  require(H5Dread(dataset.handle.id(), H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT,
                  labels.data()) >= 0,
          path, ": dataset 'labels' is damaged");
  check_crc(crc_of(labels.data(), labels.size() * sizeof(int64_t)), dataset.crc,
            path + ": dataset 'labels'");
  return labels;
}

std::vector<std::string> read_class_names(hid_t file, uint64_t file_bytes,
                                          const std::string& path) {
  if (H5Lexists(file, "class_names", H5P_DEFAULT) <= 0) return {};
  OpenDataset dataset = open_dataset_of(file, "class_names", 1, file_bytes, path);
  Handle type(H5Dget_type(dataset.handle.id()), H5Tclose);
  check(H5Tget_class(type.id()) == H5T_STRING && H5Tis_variable_str(type.id()) == 0, path,
        ": dataset 'class_names': expected text of fixed length");
  const size_t length = H5Tget_size(type.id());
  std::string packed(length * dataset.sizes[0], '\0');
  require(
      H5Dread(dataset.handle.id(), type.id(), H5S_ALL, H5S_ALL, H5P_DEFAULT, packed.data()) >= 0,
      path, ": dataset 'class_names' is damaged");
  check_crc(crc_of(packed.data(), packed.size()), dataset.crc, path + ": dataset 'class_names'");
  std::vector<std::string> names;
  for (size_t at = 0; at < packed.size(); at += length) {
    const std::string name = packed.substr(at, length);
    names.push_back(name.substr(0, name.find('\0')));
  }
  return names;
}

int64_t integer_between(hid_t file, const char* name, int64_t least, int64_t most,
                        const std::string& path) {
  const int64_t value = hdf5::read_integer(file, name, path);
  check(value >= least && value <= most, path, ": attribute '", name, "': expected ", least, " to ",
        most, ", found ", value);
  return value;
}

ShardInfo read_attributes(hid_t file, const std::string& path) {
  const std::string format = hdf5::read_text(file, "format", path);
  check(format == "d2l-shard", path, ": expected format 'd2l-shard', found '", format, "'");
  const int64_t version = hdf5::read_integer(file, "version", path);
  check(version == 1, path, ": expected format version 1, found ", version);
  ShardInfo info;
  info.dataset.name = hdf5::read_text(file, "dataset", path);
  info.split = split_from(hdf5::read_text(file, "split", path));
  info.dataset.source = hdf5::read_text(file, "source", path);
  info.dataset.licence = hdf5::read_text(file, "licence", path);
  info.dataset.classes = integer_between(file, "classes", 1, kLargestAxis, path);
  info.dataset.samples = integer_between(file, "total_samples", 1, int64_t{1} << 48, path);
  info.shards = static_cast<int>(integer_between(file, "shards", 1, 99999, path));
  info.index = static_cast<int>(integer_between(file, "shard", 0, info.shards - 1, path));
  info.first = integer_between(file, "first_sample", 0, info.dataset.samples - 1, path);
  return info;
}

}  // namespace

struct ShardFile::State {
  std::filesystem::path path;
  ShardInfo info;
  std::vector<int64_t> labels;
  Handle file;
  OpenDataset images;
  uint64_t stored_bytes = 0;

  std::mutex mutex;
  std::vector<uint32_t> chunk_crcs;  // of the chunks that were read, for the whole's checksum
  std::vector<bool> chunk_seen;
  int64_t chunks_left = 0;

  std::vector<uint8_t> read(int64_t chunk);
  void remember(int64_t chunk, const std::vector<uint8_t>& bytes);
  void check_whole() const;
  int64_t chunk_size(int64_t chunk) const {
    return std::min(info.chunk_samples, info.samples - chunk * info.chunk_samples);
  }
};

ShardFile::ShardFile(const std::filesystem::path& path) : state_(std::make_unique<State>()) {
  check_signature(path);
  const hdf5::Quiet quiet;
  const std::string name = path.string();
  const uint64_t file_bytes = std::filesystem::file_size(path);
  State& state = *state_;
  state.path = path;
  Handle access = hdf5::access_properties();
  state.file = Handle(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access.id()), H5Fclose);
  require(state.file.valid(), name, ": damaged, or not an HDF5 file");
  state.info = read_attributes(state.file.id(), name);
  DatasetInfo& dataset = state.info.dataset;
  dataset.class_names = read_class_names(state.file.id(), file_bytes, name);
  check(dataset.class_names.empty() ||
            static_cast<int64_t>(dataset.class_names.size()) == dataset.classes,
        name, ": expected ", dataset.classes, " class names, found ", dataset.class_names.size());
  state.labels = read_labels(state.file.id(), file_bytes, name);

  state.images = open_dataset_of(state.file.id(), "images", 4, file_bytes, name);
  const auto& sizes = state.images.sizes;
  const auto& chunk = state.images.chunk;
  Handle type(H5Dget_type(state.images.handle.id()), H5Tclose);
  check(H5Tequal(type.id(), H5T_NATIVE_UINT8) > 0, name,
        ": dataset 'images': expected unsigned bytes");
  check(sizes[0] == state.labels.size(), name, ": holds ", sizes[0], " images, but ",
        state.labels.size(), " labels");
  check(std::equal(sizes.begin() + 1, sizes.end(), chunk.begin() + 1), name,
        ": dataset 'images': chunks hold parts of images");
  for (size_t axis = 1; axis < 4; ++axis) dataset.shape.append(static_cast<int64_t>(sizes[axis]));
  state.info.samples = static_cast<int64_t>(sizes[0]);
  state.info.chunk_samples = static_cast<int64_t>(chunk[0]);
  state.info.deflate = state.images.deflate;
  check(state.info.samples <= dataset.samples - state.info.first, name, ": samples ",
        state.info.first, " and the ", state.info.samples - 1, " after it exceed the total of ",
        dataset.samples);
  for (size_t i = 0; i < state.labels.size(); ++i)
    check(state.labels[i] >= 0 && state.labels[i] < dataset.classes, name,
          ": expected labels in [0, ", dataset.classes, "), sample ", i, " has ", state.labels[i]);
  state.stored_bytes = H5Dget_storage_size(state.images.handle.id());
  state.chunks_left = chunks();
  state.chunk_crcs.resize(static_cast<size_t>(chunks()));
  state.chunk_seen.resize(static_cast<size_t>(chunks()));
}

ShardFile::~ShardFile() = default;
ShardFile::ShardFile(ShardFile&&) noexcept = default;
ShardFile& ShardFile::operator=(ShardFile&&) noexcept = default;

const std::filesystem::path& ShardFile::path() const { return state_->path; }
const ShardInfo& ShardFile::info() const { return state_->info; }
const std::vector<int64_t>& ShardFile::labels() const { return state_->labels; }
uint32_t ShardFile::images_crc() const { return state_->images.crc; }
uint64_t ShardFile::stored_bytes() const { return state_->stored_bytes; }

int64_t ShardFile::chunks() const { return (info().samples - 1) / info().chunk_samples + 1; }
int64_t ShardFile::chunk_size(int64_t chunk) const { return state_->chunk_size(chunk); }

std::vector<uint8_t> ShardFile::read_chunk(int64_t chunk) const {
  std::vector<uint8_t> bytes = state_->read(chunk);
  state_->remember(chunk, bytes);
  return bytes;
}

void ShardFile::verify() const {
  for (int64_t chunk = 0; chunk < chunks(); ++chunk) read_chunk(chunk);
  state_->check_whole();
}

std::vector<uint8_t> ShardFile::State::read(int64_t chunk) {
  const hdf5::Quiet quiet;
  const int64_t first = chunk * info.chunk_samples, count = chunk_size(chunk);
  std::vector<hsize_t> start(4, 0), block = images.sizes;
  start[0] = static_cast<hsize_t>(first);
  block[0] = static_cast<hsize_t>(count);
  std::vector<uint8_t> bytes(static_cast<size_t>(count * info.dataset.input_elements()));
  Handle space(H5Dget_space(images.handle.id()), H5Sclose);
  Handle memory(H5Screate_simple(4, block.data(), nullptr), H5Sclose);
  require(H5Sselect_hyperslab(space.id(), H5S_SELECT_SET, start.data(), nullptr, block.data(),
                              nullptr) >= 0 &&
              H5Dread(images.handle.id(), H5T_NATIVE_UINT8, memory.id(), space.id(), H5P_DEFAULT,
                      bytes.data()) >= 0,
          path.string(), ": images ", first, " to ", first + count - 1, " are damaged");
  return bytes;
}

void ShardFile::State::remember(int64_t chunk, const std::vector<uint8_t>& bytes) {
  const uint32_t crc = crc_of(bytes.data(), bytes.size());
  const size_t at = static_cast<size_t>(chunk);
  std::lock_guard lock(mutex);
  if (chunk_seen[at]) return;
  chunk_seen[at] = true;
  chunk_crcs[at] = crc;
  if (--chunks_left == 0) check_whole();
}

void ShardFile::State::check_whole() const {
  uLong crc = 0;
  for (size_t chunk = 0; chunk < chunk_crcs.size(); ++chunk)
    crc = crc32_combine(crc, chunk_crcs[chunk],
                        static_cast<z_off_t>(chunk_size(static_cast<int64_t>(chunk)) *
                                             info.dataset.input_elements()));
  check_crc(static_cast<uint32_t>(crc), images.crc, path.string() + ": dataset 'images'");
}

}  // namespace d2l::data
