#include "tests/data/mixed_shards.h"

#include "tests/data/data_support.h"

namespace d2l::data::test {
namespace {

PixelSums ones(const Shape& shape) {
  const auto pixels = static_cast<uint64_t>(shape[0] * shape[1]);
  return {pixels, {pixels, pixels, pixels}, {pixels, pixels, pixels}};
}

}  // namespace

Sample MixedSample::view() const {
  Sample sample;
  sample.encoding = encoding;
  sample.bytes = bytes;
  sample.shape = shape;
  sample.label = label;
  return sample;
}

std::vector<MixedSample> mixed_samples(int64_t count) {
  std::vector<MixedSample> samples;
  for (int64_t i = 0; i < count; ++i) {
    const auto seed = static_cast<uint64_t>(i);
    auto below = [&](uint64_t draw, uint64_t bound) {
      return static_cast<int64_t>(random_below({seed, stream_of("mixed")}, draw, bound));
    };
    MixedSample sample;
    sample.encoding = static_cast<Encoding>(i % 4);
    sample.shape = {1 + below(0, 20), 1 + below(1, 20), 3};
    sample.label = below(2, 5);
    if (sample.encoding != Encoding::pixels && below(3, 3) == 0) sample.shape[2] = 1;
    const auto bytes = static_cast<size_t>(
        sample.encoding == Encoding::pixels ? sample.shape.elements() : 1 + below(4, 900));
    sample.bytes = noise(bytes, seed);
    if (i % 8 == 4) std::fill(sample.bytes.begin(), sample.bytes.end(), uint8_t{7});
    if (i % 5 != 0)
      sample.name = concat("class ", sample.label, "/", std::string(i % 7, 'x'), i, ".img");
    samples.push_back(std::move(sample));
  }
  return samples;
}

ShardInfo mixed_info(int64_t samples) {
  ShardInfo info;
  info.dataset = small_dataset(1)->info();
  info.dataset.name = "mixed";
  info.dataset.shape = {0, 0, 3};
  info.dataset.samples = samples;
  return info;
}

void write_mixed(const std::filesystem::path& folder, const std::vector<MixedSample>& samples,
                 const MixedOptions& options) {
  const auto count = static_cast<int64_t>(samples.size());
  for (int index = 0; index < options.shards; ++index) {
    ShardInfo info = mixed_info(count);
    info.index = index;
    info.shards = options.shards;
    info.deflate = options.deflate;
    const int64_t begin = count * index / options.shards,
                  end = count * (index + 1) / options.shards;
    ShardWriter writer(folder / shard_name(Split::train, index, options.shards), info,
                       options.chunk_bytes);
    for (int64_t i = begin; i < end; ++i) {
      const MixedSample& sample = samples[static_cast<size_t>(i)];
      writer.add(sample.view(), sample.name);
      writer.add(ones(sample.shape));
    }
    EXPECT_EQ(writer.samples(), end - begin);
    writer.finish(begin, count);
  }
}

std::vector<MixedSample> samples_of(const Dataset& dataset) {
  const std::vector<int64_t> all = range(0, dataset.samples());
  std::vector<MixedSample> samples(all.size());
  dataset.visit(all, [&](size_t position, const Sample& sample) {
    samples[position] = {sample.encoding,
                         {sample.bytes.begin(), sample.bytes.end()},
                         sample.shape,
                         sample.label,
                         dataset.name_of(all[position])};
  });
  return samples;
}

}  // namespace d2l::data::test
