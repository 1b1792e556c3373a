#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/shards/shard_writer.h"

namespace d2l::data::test {

// A sample that owns its bytes.
struct MixedSample {
  Encoding encoding = Encoding::pixels;
  std::vector<uint8_t> bytes;
  Shape shape;
  int64_t label = 0;
  std::string name{};
  bool operator==(const MixedSample&) const = default;

  Sample view() const;
};

// Samples of all encodings and of many sizes and names, in 5 classes: pixels of 3 channels and
// bytes like noise that stand for image files. Shards do not look into them.
std::vector<MixedSample> mixed_samples(int64_t count);

// The description of a dataset of these samples.
ShardInfo mixed_info(int64_t samples);

struct MixedOptions {
  int shards = 1;
  uint64_t chunk_bytes = 4000;
  int deflate = 0;
};

// Writes the samples as shards into `folder`, with sums as if all were pixels of value 1.
void write_mixed(const std::filesystem::path& folder, const std::vector<MixedSample>& samples,
                 const MixedOptions& options = {});

// All samples of a dataset with their names.
std::vector<MixedSample> samples_of(const Dataset& dataset);

}  // namespace d2l::data::test
