#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <mutex>

#include "data/shards/shard_content.h"
#include "framework/base/checksum.h"
#include "framework/base/error.h"

namespace d2l::data {
namespace {

using hdf5::require;

uint32_t crc_of(const void* bytes, size_t count) {
  return static_cast<uint32_t>(crc32_z(0, static_cast<const Bytef*>(bytes), count));
}

struct StoredArray {
  hdf5::Array array;
  uint32_t crc = 0;  // of all elements
};

StoredArray stored_array(const ShardRoot& root, const hdf5::Object& dataset, size_t rank) {
  StoredArray stored{hdf5::read_array(root.structures(), dataset, kMostChunkBytes)};
  require(stored.array.sizes.size() == rank, "expected ", rank, " axes, found ",
          stored.array.sizes.size());
  stored.crc = static_cast<uint32_t>(hdf5::Attributes(root.structures(), dataset).integer("crc32"));
  return stored;
}

// All elements of a one-dimensional array.
std::vector<uint8_t> whole(const InputFile& file, const StoredArray& stored) {
  const uint64_t size = stored.array.bytes();
  require(size <= kMostChunkBytes, "expected at most ", kMostChunkBytes, " bytes, found ", size);
  std::vector<uint8_t> bytes;
  for (size_t chunk = 0; chunk < stored.array.chunks.size(); ++chunk) {
    const std::vector<uint8_t> more = hdf5::read_chunk(file, stored.array, chunk);
    bytes.insert(bytes.end(), more.begin(), more.end());
  }
  bytes.resize(size);
  const uint32_t crc = crc_of(bytes.data(), bytes.size());
  require(checksums_agree(stored.crc, crc), "it is damaged: expected checksum ", stored.crc,
          ", found ", crc);
  return bytes;
}

std::vector<std::string> read_class_names(const InputFile& file, const ShardRoot& root,
                                          int64_t classes) {
  if (!root.has("class_names")) return {};
  return root.with("class_names", [&](const hdf5::Object& dataset) {
    const StoredArray stored = stored_array(root, dataset, 1);
    require_class_names(stored.array.type, stored.array.sizes[0], classes);
    return parse_class_names(whole(file, stored), stored.array.type.bytes);
  });
}

std::vector<int64_t> read_labels(const InputFile& file, const ShardRoot& root, int64_t classes) {
  std::vector<int64_t> labels;
  root.with("labels", [&](const hdf5::Object& dataset) {
    const StoredArray stored = stored_array(root, dataset, 1);
    require(stored.array.type.kind == hdf5::ElementType::Kind::integer &&
                stored.array.type.bytes == sizeof(int64_t),
            "expected 64-bit integers");
    const std::vector<uint8_t> bytes = whole(file, stored);
    labels.resize(bytes.size() / sizeof(int64_t));
    std::memcpy(labels.data(), bytes.data(), bytes.size());
  });
  for (size_t i = 0; i < labels.size(); ++i)
    require(labels[i] >= 0 && labels[i] < classes, "expected labels in [0, ", classes, "), sample ",
            i, " has ", labels[i]);
  return labels;
}

StoredArray read_images(const ShardRoot& root, size_t labels) {
  return root.with("images", [&](const hdf5::Object& dataset) {
    StoredArray stored = stored_array(root, dataset, 4);
    const hdf5::Array& images = stored.array;
    require(images.type.kind == hdf5::ElementType::Kind::integer && images.type.bytes == 1 &&
                !images.type.is_signed,
            "expected unsigned bytes");
    require(images.sizes[0] == labels, "expected one label per image, found ", images.sizes[0],
            " images and ", labels, " labels");
    require(std::equal(images.sizes.begin() + 1, images.sizes.end(), images.chunk.begin() + 1),
            "expected chunks of whole images, found chunks with parts of images");
    return stored;
  });
}

// The images are one HDF5 dataset, whose chunks are the blocks.
class Version1 final : public ShardFile::Content {
 public:
  Version1(std::unique_ptr<InputFile> file, ShardInfo info, std::vector<int64_t> labels,
           StoredArray images)
      : Content(std::move(file), std::move(info)),
        labels_(std::move(labels)),
        images_(std::move(images.array)),
        images_crc_(images.crc),
        chunk_samples_(static_cast<int64_t>(images_.chunk[0])),
        crcs_(images_.chunks.size()),
        seen_(images_.chunks.size()),
        chunks_left_(images_.chunks.size()) {}

  int version() const override { return 1; }
  std::vector<int64_t> class_counts() const override;
  std::vector<uint64_t> content_checksums() const override {
    return {images_crc_, checksum(labels_.data(), labels_.size() * sizeof(int64_t))};
  }
  uint64_t stored_bytes() const override { return images_.stored_bytes; }
  uint64_t memory() const override {
    return labels_.size() * sizeof(int64_t) +
           images_.chunks.size() * (sizeof(hdf5::StoredChunk) + sizeof(uint32_t) + 1);
  }
  int64_t blocks() const override { return static_cast<int64_t>(images_.chunks.size()); }
  BlockPlace block(int64_t index) const override;
  int64_t block_of(int64_t sample) const override { return sample / chunk_samples_; }
  SampleBlock read_block(int64_t index) const override;
  bool has_single_samples() const override { return false; }
  std::vector<SampleRecord> read_records(int64_t first_block, int64_t blocks) const override;
  Sample read_sample(int64_t, const SampleRecord&, std::vector<uint8_t>&) const override {
    fail(path(), ": single samples can only be read from shards of version 2");
  }
  std::string name_of(int64_t) const override { return ""; }
  void verify() const override {
    for (int64_t index = 0; index < blocks(); ++index) read_intact_block(index);
    check_whole();
  }

 private:
  uint64_t image_bytes() const { return static_cast<uint64_t>(info_.dataset.input_elements()); }
  std::vector<uint8_t> read_chunk(const BlockPlace& place, int64_t index) const;
  void remember(int64_t chunk, const std::vector<uint8_t>& bytes) const;
  void check_whole() const;

  std::vector<int64_t> labels_;
  hdf5::Array images_;
  uint32_t images_crc_;
  int64_t chunk_samples_;
  mutable std::mutex mutex_;
  mutable std::vector<uint32_t> crcs_;  // of the chunks read, to check images_crc_
  mutable std::vector<bool> seen_;
  mutable size_t chunks_left_;
};

std::vector<int64_t> Version1::class_counts() const {
  std::vector<int64_t> counts(static_cast<size_t>(info_.dataset.classes));
  for (int64_t label : labels_) ++counts[static_cast<size_t>(label)];
  return counts;
}

BlockPlace Version1::block(int64_t index) const {
  BlockPlace place;
  place.first = index * chunk_samples_;
  place.samples = std::min(chunk_samples_, info_.samples - place.first);
  place.bytes = static_cast<uint64_t>(place.samples) * (image_bytes() + sizeof(SampleRecord));
  return place;
}

std::vector<SampleRecord> Version1::read_records(int64_t first_block, int64_t blocks) const {
  const Shape& shape = info_.dataset.shape;
  std::vector<SampleRecord> records;
  for (int64_t index = first_block; index < first_block + blocks; ++index) {
    const BlockPlace place = block(index);
    for (int64_t i = 0; i < place.samples; ++i)
      records.push_back(
          {.offset = static_cast<uint32_t>(static_cast<uint64_t>(i) * image_bytes()),
           .bytes = static_cast<uint32_t>(image_bytes()),
           .label = static_cast<uint32_t>(labels_[static_cast<size_t>(place.first + i)]),
           .height = static_cast<uint32_t>(shape[0]),
           .width = static_cast<uint32_t>(shape[1]),
           .channels = static_cast<uint16_t>(shape[2]),
           .encoding = static_cast<uint16_t>(Encoding::pixels)});
  }
  return records;
}

SampleBlock Version1::read_block(int64_t index) const {
  const BlockPlace place = block(index);
  SampleBlock result;
  result.records = read_records(index, 1);
  try {
    result.bytes = read_chunk(place, index);
  } catch (const hdf5::FormatError& error) {
    result.damage.assign(result.records.size(),
                         concat(place_of_block(place), " are damaged (", error.what(), ")"));
    return result;
  }
  remember(index, result.bytes);
  return result;
}

std::vector<uint8_t> Version1::read_chunk(const BlockPlace& place, int64_t index) const {
  std::vector<uint8_t> bytes = hdf5::read_chunk(*file_, images_, static_cast<size_t>(index));
  bytes.resize(static_cast<uint64_t>(place.samples) * image_bytes());  // the last one is padded
  return bytes;
}

void Version1::remember(int64_t chunk, const std::vector<uint8_t>& bytes) const {
  const size_t at = static_cast<size_t>(chunk);
  {
    std::lock_guard lock(mutex_);
    if (seen_[at]) return;
  }
  const uint32_t crc = crc_of(bytes.data(), bytes.size());
  std::lock_guard lock(mutex_);
  if (seen_[at]) return;
  seen_[at] = true;
  crcs_[at] = crc;
  if (--chunks_left_ == 0) check_whole();
}

void Version1::check_whole() const {
  uLong crc = 0;
  for (size_t chunk = 0; chunk < crcs_.size(); ++chunk) {
    const auto samples = static_cast<uint64_t>(block(static_cast<int64_t>(chunk)).samples);
    crc = crc32_combine(crc, crcs_[chunk], static_cast<z_off_t>(samples * image_bytes()));
  }
  check(checksums_agree(images_crc_, crc), path(),
        ": dataset 'images': it is damaged: expected checksum ", images_crc_, ", found ", crc);
}

}  // namespace

std::unique_ptr<ShardFile::Content> open_version1(std::unique_ptr<InputFile> file,
                                                  const ShardRoot& root) {
  ShardInfo info = root.read_info();
  info.dataset.class_names = read_class_names(*file, root, info.dataset.classes);
  std::vector<int64_t> labels = read_labels(*file, root, info.dataset.classes);
  StoredArray images = read_images(root, labels.size());
  for (size_t axis = 1; axis < 4; ++axis)
    info.dataset.shape.append(static_cast<int64_t>(images.array.sizes[axis]));
  info.samples = static_cast<int64_t>(labels.size());
  require(info.samples <= info.dataset.samples - info.first, "samples ", info.first, " and the ",
          info.samples - 1, " after it exceed the total of ", info.dataset.samples);
  for (const hdf5::Filter& filter : images.array.filters)
    if (filter.kind == hdf5::Filter::Kind::deflate)
      info.deflate = static_cast<int>(filter.parameter);
  return std::make_unique<Version1>(std::move(file), std::move(info), std::move(labels),
                                    std::move(images));
}

}  // namespace d2l::data
