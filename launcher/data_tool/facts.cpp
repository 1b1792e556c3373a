#include "launcher/data_tool/facts.h"

#include <algorithm>
#include <memory>
#include <tuple>
#include <utility>

#include "data/shards/shard_set.h"
#include "framework/base/error.h"
#include "framework/base/text.h"

namespace d2l::data_tool {

namespace fs = std::filesystem;
using namespace d2l::data;

namespace {

using Size = std::pair<uint32_t, uint32_t>;  // height and width

std::tuple<uint64_t, Size> by_pixels(const Size& size) {
  return {uint64_t{size.first} * size.second, size};
}

}  // namespace

ShardFacts::ShardFacts(const std::vector<ShardFile>& shards) {
  std::map<Size, int64_t> sizes;  // -> number of images
  bool has_sums = true;
  for (const ShardFile& shard : shards) {
    for (const SampleRecord& record : shard.read_records(0, shard.blocks())) {
      ++encodings[static_cast<Encoding>(record.encoding)];
      ++sizes[{record.height, record.width}];
      image_bytes += record.bytes;
    }
    samples += shard.info().samples;
    stored_bytes += shard.stored_bytes();
    file_bytes += fs::file_size(shard.path());
    const std::vector<int64_t> counts = shard.class_counts();
    class_counts.resize(counts.size());
    for (size_t i = 0; i < counts.size(); ++i) class_counts[i] += counts[i];
    has_sums &= shard.sums().has_value();
    if (!has_sums) continue;
    if (!sums) sums.emplace();
    sums->add(*shard.sums());
  }
  if (!has_sums) sums.reset();
  std::vector<std::pair<Size, int64_t>> sorted(sizes.begin(), sizes.end());
  std::sort(sorted.begin(), sorted.end(),
            [](auto& a, auto& b) { return by_pixels(a.first) < by_pixels(b.first); });
  int64_t before = 0;
  for (const auto& [size, count] : sorted) {
    const Shape shape{size.first, size.second};
    if (before == 0) smallest = shape;
    if (before <= (samples - 1) / 2) median = shape;
    largest = shape;
    before += count;
  }
}

std::vector<std::vector<ShardFile>> open_sets(const fs::path& path) {
  std::vector<std::vector<ShardFile>> sets;
  std::error_code error;
  if (!fs::is_directory(path, error)) {
    std::vector<ShardFile> one;
    one.emplace_back(path);
    sets.push_back(std::move(one));
    return sets;
  }
  for (const Split split : {Split::train, Split::test})
    if (!find_shards(path, split).empty()) sets.push_back(open_shards(path, split));
  check(!sets.empty(), path.string(),
        ": expected shards (train- or test-00000-of-NNNNN.h5), found none");
  return sets;
}

std::string size_text(const Shape& shape) { return concat(shape[0], " x ", shape[1]); }

std::string normalize_text(const PixelSums& sums) {
  const auto text = [](const std::vector<double>& values) {
    std::vector<std::string> words;
    words.reserve(values.size());
    for (const double value : values) words.push_back(fixed(value, 4));
    return join(words, ",");
  };
  return text(sums.mean()) + ":" + text(sums.deviation());
}

}  // namespace d2l::data_tool
