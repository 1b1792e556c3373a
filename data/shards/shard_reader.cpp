#include "data/shards/shard_reader.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

namespace d2l::data {
namespace {

using hdf5::in_place;
using hdf5::require;

constexpr int64_t kMostClasses = int64_t{1} << 20;
constexpr uint64_t kMostNameBytes = uint64_t{1} << 16;

// Names are printed to terminals and to the log.
void require_name(const std::string& text) {
  for (char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    require(byte >= 32 && byte != 127, "expected a name, found the control character ", int{byte});
  }
}

struct StoredArray {
  hdf5::Array array;
  uint32_t crc = 0;
};

class ShardReader {
 public:
  explicit ShardReader(const InputFile& file)
      : file_(file),
        structures_(file),
        root_(structures_, structures_.root()),
        links_(hdf5::read_links(structures_, root_)) {}

  ShardDescription read() const {
    ShardDescription description;
    ShardInfo& info = description.info;
    info = read_attributes();
    info.dataset.class_names = read_class_names(info.dataset.classes);
    read_labels(description);
    read_images(description);
    return description;
  }

 private:
  ShardInfo read_attributes() const {
    const hdf5::Attributes attributes(structures_, root_);
    auto integer = [&](const char* name, int64_t least, int64_t most) {
      const int64_t value = attributes.integer(name);
      require(value >= least && value <= most, "attribute '", name, "': expected ", least, " to ",
              most, ", found ", value);
      return value;
    };
    const std::string format = attributes.text("format");
    require(format == "d2l-shard", "expected format 'd2l-shard', found '", format.substr(0, 40),
            "'");
    const int64_t version = attributes.integer("version");
    require(version == 1, "expected format version 1, found ", version);
    ShardInfo info;
    info.dataset.name = attributes.text("dataset");
    in_place("attribute 'dataset': ", [&] { require_name(info.dataset.name); });
    const std::string split = attributes.text("split");
    require(split == "train" || split == "test",
            "attribute 'split': expected train or test, found '", split.substr(0, 40), "'");
    info.split = split_from(split);
    info.dataset.source = attributes.text("source");
    info.dataset.licence = attributes.text("licence");
    info.dataset.classes = integer("classes", 1, kMostClasses);
    info.dataset.samples = integer("total_samples", 1, int64_t{1} << 48);
    info.shards = static_cast<int>(integer("shards", 1, 99999));
    info.index = static_cast<int>(integer("shard", 0, info.shards - 1));
    info.first = integer("first_sample", 0, info.dataset.samples - 1);
    return info;
  }

  std::vector<std::string> read_class_names(int64_t classes) const {
    const std::optional<StoredArray> stored = array("class_names", 1);
    if (!stored) return {};
    const uint64_t count = stored->array.sizes[0];
    require(count == static_cast<uint64_t>(classes), "expected ", classes, " class names, found ",
            count);
    return in_place("dataset 'class_names': ", [&] {
      const hdf5::ElementType type = stored->array.type;
      require(type.kind == hdf5::ElementType::Kind::text, "expected text of fixed length");
      require(type.bytes < kMostNameBytes, "expected names below ", kMostNameBytes,
              " bytes, found ", type.bytes);
      const std::vector<uint8_t> bytes = whole(*stored);
      std::vector<std::string> names;
      for (hdf5::Cursor cursor(bytes); cursor.left() > 0;) {
        names.push_back(hdf5::parse_text(cursor.take(type.bytes)));
        require_name(names.back());
      }
      return names;
    });
  }

  void read_labels(ShardDescription& description) const {
    const std::optional<StoredArray> stored = array("labels", 1);
    require(stored.has_value(), "dataset 'labels': it is missing");
    const int64_t classes = description.info.dataset.classes;
    std::vector<int64_t>& labels = description.labels;
    in_place("dataset 'labels': ", [&] {
      require(stored->array.type.kind == hdf5::ElementType::Kind::integer &&
                  stored->array.type.bytes == sizeof(int64_t),
              "expected 64-bit integers");
      const std::vector<uint8_t> bytes = whole(*stored);
      labels.resize(bytes.size() / sizeof(int64_t));
      std::memcpy(labels.data(), bytes.data(), bytes.size());
    });
    for (size_t i = 0; i < labels.size(); ++i)
      require(labels[i] >= 0 && labels[i] < classes, "expected labels in [0, ", classes,
              "), sample ", i, " has ", labels[i]);
  }

  void read_images(ShardDescription& description) const {
    std::optional<StoredArray> stored = array("images", 4);
    require(stored.has_value(), "dataset 'images': it is missing");
    const hdf5::Array& images = stored->array;
    ShardInfo& info = description.info;
    require(images.type.kind == hdf5::ElementType::Kind::integer && images.type.bytes == 1 &&
                !images.type.is_signed,
            "dataset 'images': expected unsigned bytes");
    require(images.sizes[0] == description.labels.size(), "expected one label per image, found ",
            images.sizes[0], " images and ", description.labels.size(), " labels");
    require(std::equal(images.sizes.begin() + 1, images.sizes.end(), images.chunk.begin() + 1),
            "dataset 'images': expected chunks of whole images, found chunks with parts of images");
    for (size_t axis = 1; axis < 4; ++axis)
      info.dataset.shape.append(static_cast<int64_t>(images.sizes[axis]));
    info.samples = static_cast<int64_t>(images.sizes[0]);
    info.chunk_samples = static_cast<int64_t>(images.chunk[0]);
    require(info.samples <= info.dataset.samples - info.first, "samples ", info.first, " and the ",
            info.samples - 1, " after it exceed the total of ", info.dataset.samples);
    for (const hdf5::Filter& filter : images.filters)
      if (filter.kind == hdf5::Filter::Kind::deflate)
        info.deflate = static_cast<int>(filter.parameter);
    description.images_crc = stored->crc;
    description.images = std::move(stored->array);
  }

  // Nothing if there is none of this name.
  std::optional<StoredArray> array(const std::string& name, size_t rank) const {
    auto link = std::find_if(links_.begin(), links_.end(),
                             [&](const hdf5::Link& candidate) { return candidate.name == name; });
    if (link == links_.end()) return std::nullopt;
    return in_place("dataset '" + name + "': ", [&] {
      require(link->address.has_value(), "it is a link to another place or file");
      const hdf5::Object dataset(structures_, *link->address);
      StoredArray stored{hdf5::read_array(structures_, dataset, kMostChunkBytes)};
      require(stored.array.sizes.size() == rank, "expected ", rank, " axes, found ",
              stored.array.sizes.size());
      stored.crc = static_cast<uint32_t>(hdf5::Attributes(structures_, dataset).integer("crc32"));
      return std::optional(std::move(stored));
    });
  }

  // All elements of a one-dimensional array.
  std::vector<uint8_t> whole(const StoredArray& stored) const {
    const uint64_t size = stored.array.bytes();
    require(size <= kMostChunkBytes, "expected at most ", kMostChunkBytes, " bytes, found ", size);
    std::vector<uint8_t> bytes;
    for (size_t chunk = 0; chunk < stored.array.chunks.size(); ++chunk) {
      const std::vector<uint8_t> more = hdf5::read_chunk(file_, stored.array, chunk);
      bytes.insert(bytes.end(), more.begin(), more.end());
    }
    bytes.resize(size);
    const uint32_t crc = crc_of(0, bytes.data(), bytes.size());
    require(crc == stored.crc, "it is damaged: expected checksum ", stored.crc, ", found ", crc);
    return bytes;
  }

  const InputFile& file_;
  hdf5::Structures structures_;
  hdf5::Object root_;
  std::vector<hdf5::Link> links_;
};

}  // namespace

ShardDescription read_description(const InputFile& file) {
  return in_place(file.path().string() + ": ", [&] { return ShardReader(file).read(); });
}

uint32_t crc_of(uint32_t before, const void* bytes, size_t count) {
  return static_cast<uint32_t>(crc32_z(before, static_cast<const Bytef*>(bytes), count));
}

}  // namespace d2l::data
