#include "data/packing/decoded_set.h"

#include <mutex>

#include "data/formats/image.h"
#include "data/packing/threads.h"
#include "framework/base/error.h"

namespace d2l::data {
namespace {

// The pixels of a sample in the dataset's channels. Throws Error for a broken image.
void decode(const Sample& sample, int64_t channels, Image& image) {
  check(sample.damage.empty(), sample.damage);
  if (sample.encoding == Encoding::pixels) {
    image.shape = sample.shape;
    image.pixels.assign(sample.bytes.begin(), sample.bytes.end());
    return;
  }
  decode_image(sample.bytes, channels, image);
  check(image.shape[0] == sample.shape[0] && image.shape[1] == sample.shape[1],
        "expected an image of shape ", sample.shape, ", found ", image.shape);
}

}  // namespace

DecodedShard decode_shard(const ShardFile& shard, int threads,
                          const std::function<void()>& check_stopped) {
  const int64_t channels = shard.info().dataset.shape[2];
  std::vector<DecodedShard> of_block(static_cast<size_t>(shard.blocks()));
  for_each_on_threads(shard.blocks(), threads, [&](int64_t index) {
    check_stopped();
    DecodedShard& found = of_block[static_cast<size_t>(index)];
    const SampleBlock block = shard.read_block(index);
    const int64_t first = shard.block(index).first;
    Image image;
    for (size_t i = 0; i < block.records.size(); ++i) {
      const Sample sample = block.sample(i);
      try {
        decode(sample, channels, image);
        found.sums.add(image.pixels.data(), image.shape);
      } catch (const Error& error) {
        const std::string place = shard.place_of(first + static_cast<int64_t>(i));
        found.broken.push_back(sample.damage.empty() ? concat(place, ": ", error.what())
                                                     : error.what());
      }
    }
  });
  DecodedShard all;
  for (DecodedShard& part : of_block) {
    if (part.sums.pixels > 0) all.sums.add(part.sums);
    all.broken.insert(all.broken.end(), part.broken.begin(), part.broken.end());
  }
  return all;
}

}  // namespace d2l::data
