#include "data/packing/shard_sequence.h"

#include <algorithm>
#include <utility>

#include "data/packing/prepared_stream.h"
#include "framework/base/error.h"

namespace d2l::data {

void ShardSequence::begin_shard() {
  const PlannedShard& shard = shards_[writers_.size()];
  ShardInfo info;
  info.dataset = info_;
  info.split = shard.split;
  info.index = shard.index;
  info.shards = shard.shards;
  info.deflate = options_.deflate;
  writers_.push_back(std::make_unique<ShardWriter>(
      options_.folder(shard.split) / shard_name(shard.split, shard.index, shard.shards), info));
  counts_.push_back(0);
  sums_ = PixelSums();
}

void ShardSequence::end_shard() {
  const PlannedShard& shard = shards_[writers_.size() - 1];
  std::unique_ptr<ShardWriter>& writer = writers_.back();
  check(counts_.back() > 0, "all ", shard.end - shard.begin, " images of shard ", shard.index + 1,
        " of ", shard.shards, " (", to_string(shard.split), ") are broken");
  writer->add(sums_);
  if (options_.skip_bad_images) return;  // the number of samples before this shard is not known
  writer->finish(shard.begin, static_cast<int64_t>(selection_.items(shard.split).size()));
  writer.reset();
}

void ShardSequence::add(const PackItem& item, PreparedImage& image) {
  writers_.back()->add(
      {.encoding = image.encoding, .bytes = image.bytes, .shape = image.shape, .label = item.label},
      item.name);
  sums_.add(image.sums);
  ++counts_.back();
}

void ShardSequence::write(const PackSource& source, const Options& options) {
  options_ = options;
  std::vector<PackItem> items;
  std::vector<size_t> ends;  // of the shards, in `items`
  for (const PlannedShard& shard : shards_) {
    const std::vector<PackItem>& all = selection_.items(shard.split);
    items.insert(items.end(), all.begin() + shard.begin, all.begin() + shard.end);
    ends.push_back(items.size());
  }
  if (items.empty()) return;
  begin_shard();
  const auto result = [&](size_t position, PreparedImage& image, const std::string& error) {
    const PackItem& item = items[position];
    if (error.empty()) {
      add(item, image);
    } else {
      const std::string line = source.place_of(item) + ": " + error;
      check(options_.skip_bad_images, line);
      options_.warn(line + "; the image is left out");
    }
    options_.after_image();
    if (position + 1 < ends[writers_.size() - 1]) return;
    end_shard();
    if (writers_.size() < shards_.size()) begin_shard();
  };
  PreparedStream stream(options_.form, options_.threads, result);
  source.visit(
      items, [&](size_t position, const Sample& sample) { stream.put(position, sample); },
      [&](size_t position, const std::string& reason) { stream.put_error(position, reason); });
  stream.flush();
}

std::string ShardSequence::counts_text() const {
  std::string text;
  for (const int64_t count : counts_) text += std::to_string(count) + " ";
  return text;
}

void ShardSequence::finish(const std::vector<PlannedShard>& all,
                           const std::vector<int64_t>& counts) {
  for (size_t i = 0; i < writers_.size(); ++i) {
    if (!writers_[i]) continue;
    int64_t first = 0, total = 0;
    for (size_t j = 0; j < all.size(); ++j) {
      if (all[j].split != shards_[i].split) continue;
      if (all[j].index < shards_[i].index) first += counts[j];
      total += counts[j];
    }
    writers_[i]->finish(first, total);
    writers_[i].reset();
  }
}

}  // namespace d2l::data
