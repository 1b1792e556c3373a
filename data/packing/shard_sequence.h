#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "data/packing/image_form.h"
#include "data/packing/selection.h"
#include "data/packing/source.h"
#include "data/shards/shard_writer.h"

namespace d2l::data {

// A shard and its items: [begin, end) of the selected items of its split.
struct PlannedShard {
  Split split = Split::train;
  int index = 0, shards = 1;
  int64_t begin = 0, end = 0;
};

// Writes the shards of one process one after the other.
class ShardSequence {
 public:
  struct Options {
    ImageForm form{};
    int threads = 1;
    int deflate = 0;
    bool skip_bad_images = false;
    std::function<std::filesystem::path(Split)> folder{};  // for the shards of a split
    std::function<void(const std::string& line)> warn{};
    std::function<void()> after_image{};  // throws to stop
  };

  ShardSequence(std::vector<PlannedShard> shards, const Selection& selection, DatasetInfo info)
      : shards_(std::move(shards)), selection_(selection), info_(std::move(info)) {}

  // Reads all images and writes them. Shards are already finished if no image may be left out.
  // Throws Error that names a broken image.
  void write(const PackSource& source, const Options& options);
  // The samples of each shard: "100 98".
  std::string counts_text() const;
  // Finishes the shards. `counts`: samples of each of the shards of all processes, `all`.
  void finish(const std::vector<PlannedShard>& all, const std::vector<int64_t>& counts);
  // Removes the files of unfinished shards.
  void discard() { writers_.clear(); }

 private:
  void add(const PackItem& item, PreparedImage& image);
  void end_shard();
  void begin_shard();

  std::vector<PlannedShard> shards_;
  const Selection& selection_;
  DatasetInfo info_;
  Options options_;
  std::vector<std::unique_ptr<ShardWriter>> writers_;  // of begun shards; null: finished
  std::vector<int64_t> counts_;
  PixelSums sums_;  // of the last shard in writers_
};

}  // namespace d2l::data
