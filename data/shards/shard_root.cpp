#include <algorithm>

#include "data/shards/shard_content.h"

namespace d2l::data {
namespace {

using hdf5::in_place;
using hdf5::require;

// Names are printed to terminals and to the log.
void require_name(const std::string& text) {
  for (char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    require(byte >= 32 && byte != 127, "expected a name, found the control character ", int{byte});
  }
}

}  // namespace

ShardRoot::ShardRoot(const InputFile& file)
    : structures_(file),
      root_(structures_, structures_.root()),
      attributes_(structures_, root_),
      links_(hdf5::read_links(structures_, root_)) {
  const std::string format = attributes_.text("format");
  require(format == "d2l-shard", "expected format 'd2l-shard', found '", format.substr(0, 40), "'");
  const int64_t version = attributes_.integer("version");
  require(version == 1 || version == 2, "expected format version 1 or 2, found ", version);
  version_ = static_cast<int>(version);
}

int64_t ShardRoot::integer(const std::string& name, int64_t least, int64_t most) const {
  const int64_t value = attributes_.integer(name);
  require(value >= least && value <= most, "attribute '", name, "': expected ", least, " to ", most,
          ", found ", value);
  return value;
}

ShardInfo ShardRoot::read_info() const {
  ShardInfo info;
  info.dataset.name = attributes_.text("dataset");
  in_place("attribute 'dataset': ", [&] { require_name(info.dataset.name); });
  const std::string split = attributes_.text("split");
  require(split == "train" || split == "test", "attribute 'split': expected train or test, found '",
          split.substr(0, 40), "'");
  info.split = split_from(split);
  info.dataset.source = attributes_.text("source");
  info.dataset.licence = attributes_.text("licence");
  info.dataset.classes = integer("classes", 1, kMostClasses);
  info.dataset.samples = integer("total_samples", 1, kMostSamples);
  info.shards = static_cast<int>(integer("shards", 1, 99999));
  info.index = static_cast<int>(integer("shard", 0, info.shards - 1));
  info.first = integer("first_sample", 0, info.dataset.samples - 1);
  return info;
}

bool ShardRoot::has(const std::string& dataset) const {
  return std::any_of(links_.begin(), links_.end(),
                     [&](const hdf5::Link& link) { return link.name == dataset; });
}

hdf5::Object ShardRoot::object(const std::string& dataset) const {
  const auto link = std::find_if(links_.begin(), links_.end(), [&](const hdf5::Link& candidate) {
    return candidate.name == dataset;
  });
  require(link != links_.end(), "it is missing");
  require(link->address.has_value(), "it is a link to another place or file");
  return hdf5::Object(structures_, *link->address);
}

std::vector<std::string> parse_class_names(std::span<const uint8_t> bytes, uint64_t width) {
  std::vector<std::string> names;
  for (hdf5::Cursor cursor(bytes); cursor.left() > 0;) {
    names.push_back(hdf5::parse_text(cursor.take(width)));
    require_name(names.back());
  }
  return names;
}

void require_class_names(const hdf5::ElementType& type, uint64_t count, int64_t classes) {
  require(type.kind == hdf5::ElementType::Kind::text, "expected text of fixed length");
  require(type.bytes < kMostNameBytes, "expected names below ", kMostNameBytes, " bytes, found ",
          type.bytes);
  require(count == static_cast<uint64_t>(classes), "expected ", classes, " class names, found ",
          count);
}

}  // namespace d2l::data
