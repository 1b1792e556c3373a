#include "data/shards/shard_dataset.h"

#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "tests/data/data_support.h"
#include "tests/data/mixed_shards.h"

namespace d2l::data::test {
namespace {

namespace fs = std::filesystem;

TEST(ShardDataset, EqualsItsSourceForAnyCutAndAnyOrder) {
  const auto source = small_dataset(103);
  std::vector<int64_t> indices = range(0, 103);
  for (int64_t i : {5, 5, 102, 0, 77}) indices.push_back(i);
  std::reverse(indices.begin(), indices.end());
  for (int shards : {1, 2, 7})
    for (int64_t chunk : {0, 1, 10, 1000}) {
      TemporaryFolder folder;
      write_shards(folder.path(), *source, shards, chunk, shards == 2 ? 4 : 0);
      const ShardDataset dataset(folder.path(), Split::train);
      EXPECT_EQ(dataset.shards(), shards);
      EXPECT_EQ(dataset.samples(), 103);
      EXPECT_EQ(content_of(dataset, indices), content_of(*source, indices));
    }
}

TEST(ShardDataset, TheCacheKeepsItsBudget) {
  TemporaryFolder folder;
  const auto source = small_dataset(100);
  write_shards(folder.path(), *source, 2, 10);  // ten chunks of 240 bytes and ten records
  const ShardDataset large(folder.path(), Split::train);
  content_of(large);
  EXPECT_EQ(large.cached_bytes(), 5600U);
  const ShardDataset medium(folder.path(), Split::train, {.cache_bytes = 1300, .by_blocks = true});
  EXPECT_EQ(content_of(medium), content_of(*source));
  EXPECT_EQ(medium.cached_bytes(), 0U);  // all samples of all chunks were used
  content_of(medium, range(5, 95));
  EXPECT_EQ(medium.cached_bytes(), 1120U);  // the first and the last were used in part
  const ShardDataset none(folder.path(), Split::train, {.cache_bytes = 0, .by_blocks = true});
  EXPECT_EQ(content_of(none), content_of(*source));
  EXPECT_EQ(none.cached_bytes(), 0U);
}

TEST(ShardDataset, CachedChunksOutliveTheFileTheyCameFrom) {
  TemporaryFolder folder;
  const auto source = small_dataset(100);
  write_shards(folder.path(), *source, 1, 10);
  const ShardDataset dataset(folder.path(), Split::train);
  content_of(dataset);
  const auto path = folder.path() / "train-00000-of-00001.h5";
  write_bytes(path, std::vector<uint8_t>(bytes_of(path).size()));
  EXPECT_EQ(content_of(dataset), content_of(*source));
}

TEST(ShardDataset, ThreadsMayReadAtOnce) {
  TemporaryFolder folder;
  const auto source = small_dataset(200);
  write_shards(folder.path(), *source, 3, 8, 1);
  const Content expected = content_of(*source);
  for (bool by_blocks : {false, true}) {
    const ShardDataset dataset(folder.path(), Split::train,
                               {.cache_bytes = 1000, .by_blocks = by_blocks});
    EXPECT_EQ(dataset.reads_single_samples(), !by_blocks);
    std::vector<std::thread> threads;
    std::vector<int> wrong(4, 0);
    for (size_t t = 0; t < 4; ++t)
      threads.emplace_back([&, t] {
        for (int i = 0; i < 20; ++i) wrong[t] += !(content_of(dataset) == expected);
      });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(wrong, std::vector<int>(4, 0));
  }
}

// All ways to read: everything in memory, single samples, and a few blocks at a time.
const std::vector<ShardDatasetOptions> kWaysToRead{
    {}, {.cache_bytes = 0}, {.cache_bytes = 9000, .by_blocks = true}};

TEST(ShardDataset, AnySizesEncodingsAndNames) {
  const std::vector<MixedSample> samples = mixed_samples(200);
  for (int deflate : {0, 6})
    for (int shards : {1, 3}) {
      TemporaryFolder folder;
      write_mixed(folder.path(), samples, {.shards = shards, .deflate = deflate});
      for (const ShardDatasetOptions& options : kWaysToRead) {
        const ShardDataset dataset(folder.path(), Split::train, options);
        EXPECT_EQ(dataset.reads_single_samples(), options.cache_bytes == 0 && deflate == 0);
        EXPECT_FALSE(dataset.info().has_one_size());
        EXPECT_EQ(samples_of(dataset), samples);
      }
    }
}

TEST(ShardDataset, BlocksCoverAllSamples) {
  TemporaryFolder folder;
  const std::vector<MixedSample> samples = mixed_samples(200);
  write_mixed(folder.path(), samples, {.shards = 3});
  const ShardDataset dataset(folder.path(), Split::train);
  const std::vector<int64_t> blocks = dataset.blocks();
  EXPECT_EQ(blocks.front(), 0);
  for (int64_t first : {66, 133})  // of the other shards
    EXPECT_NE(std::find(blocks.begin(), blocks.end(), first), blocks.end());
  for (size_t i = 0; i < blocks.size(); ++i) {
    const int64_t end = i + 1 < blocks.size() ? blocks[i + 1] : 200;
    ASSERT_GT(end, blocks[i]);
    uint64_t bytes = 0;
    for (int64_t s = blocks[i]; s < end; ++s) bytes += samples[static_cast<size_t>(s)].bytes.size();
    EXPECT_LE(bytes, 4000U);
  }
  EXPECT_EQ(small_dataset(3)->blocks(), std::vector<int64_t>{0});
}

TEST(ShardDataset, PlacesAreNamed) {
  TemporaryFolder folder;
  const std::vector<MixedSample> samples = mixed_samples(20);
  write_mixed(folder.path(), samples, {.shards = 2});
  const ShardDataset dataset(folder.path(), Split::train);
  EXPECT_EQ(dataset.place_of(13), "train-00001-of-00002.h5, sample 3 (" + samples[13].name + ")");
  EXPECT_EQ(dataset.place_of(5), "train-00000-of-00002.h5, sample 5");
}

TEST(ShardDataset, LabelsAreCountedWithoutReadingImages) {
  TemporaryFolder folder;
  const std::vector<MixedSample> samples = mixed_samples(100);
  write_mixed(folder.path(), samples, {.shards = 3});
  const ShardDataset dataset(folder.path(), Split::train);
  for (int64_t count : {0, 1, 33, 34, 50, 99, 100}) {
    std::vector<int64_t> expected(5);
    for (int64_t i = 0; i < count; ++i) ++expected[samples[static_cast<size_t>(i)].label];
    EXPECT_EQ(dataset.class_counts(count), expected) << count;
  }
  EXPECT_EQ(dataset.cached_bytes(), 0U);
}

TEST(ShardDataset, MeanAndDeviationDoNotDependOnTheNumberOfShards) {
  const auto source = small_dataset(103);
  const Content content = content_of(*source);
  std::vector<double> sum(2), squares(2);
  for (size_t i = 0; i < content.images.size(); ++i) {
    const double value = content.images[i] / 255.0;
    sum[i % 2] += value;
    squares[i % 2] += value * value;
  }
  const double count = static_cast<double>(content.images.size()) / 2;
  std::vector<double> mean, deviation;
  for (int shards : {1, 2, 7}) {
    TemporaryFolder folder;
    write_shards(folder.path(), *source, shards, 10);
    const DatasetInfo info = ShardDataset(folder.path(), Split::train).info();
    ASSERT_EQ(info.mean.size(), 2U);
    for (size_t channel = 0; channel < 2; ++channel) {
      const double expected = sum[channel] / count;
      EXPECT_NEAR(info.mean[channel], expected, 1e-12);
      EXPECT_NEAR(info.deviation[channel],
                  std::sqrt(squares[channel] / count - expected * expected), 1e-12);
    }
    if (shards == 1) mean = info.mean, deviation = info.deviation;
    EXPECT_EQ(info.mean, mean);
    EXPECT_EQ(info.deviation, deviation);
  }
}

TEST(ShardDataset, WithoutAllSumsThereIsNoMean) {
  TemporaryFolder folder;
  for (int index : {0, 1}) {
    ShardInfo info = mixed_info(2);
    info.index = index;
    info.shards = 2;
    ShardWriter writer(folder.path() / shard_name(Split::train, index, 2), info);
    writer.add(mixed_samples(1)[0].view(), "");
    if (index == 0) {
      PixelSums sums;
      sums.add(mixed_samples(1)[0].bytes.data(), mixed_samples(1)[0].shape);
      writer.add(sums);
    }
    writer.finish(index, 2);
  }
  EXPECT_TRUE(ShardFile(folder.path() / "train-00000-of-00002.h5").sums().has_value());
  EXPECT_TRUE(ShardDataset(folder.path(), Split::train).info().mean.empty());
}

// Flips a bit of one sample: it is skipped or ends the visit; the others keep their bytes.
TEST(ShardDataset, DamagedSamplesAreTold) {
  const std::vector<MixedSample> samples = mixed_samples(100);
  TemporaryFolder folder;
  write_mixed(folder.path(), samples);
  const fs::path path = folder.path() / "train-00000-of-00001.h5";
  std::vector<uint8_t> bytes = bytes_of(path);
  const std::vector<uint8_t>& image = samples[42].bytes;
  const auto at = std::search(bytes.begin(), bytes.end(), image.begin(), image.end());
  ASSERT_NE(at, bytes.end());
  at[static_cast<ptrdiff_t>(image.size() / 2)] ^= 16;
  write_bytes(path, bytes);
  const std::string begin = path.string() + ": sample 42 (" + samples[42].name + ") is damaged: ";
  const std::vector<int64_t> all = range(0, 100);
  for (const ShardDatasetOptions& options : kWaysToRead) {
    const ShardDataset dataset(folder.path(), Split::train, options);
    int damaged = 0, intact = 0;
    dataset.visit(
        all,
        [&](size_t position, const Sample& sample) {
          if (sample.damage.empty()) {
            EXPECT_TRUE(std::equal(sample.bytes.begin(), sample.bytes.end(),
                                   samples[position].bytes.begin(), samples[position].bytes.end()));
            return static_cast<void>(++intact);
          }
          ++damaged;
          EXPECT_EQ(position, 42U);
          EXPECT_EQ(sample.damage.substr(0, begin.size()), begin);
        },
        OnDamage::visit);
    EXPECT_EQ(damaged, 1);
    EXPECT_EQ(intact, 99);
    EXPECT_THROW(dataset.visit(all, [](size_t, const Sample&) {}), DamagedSample);
  }
}

TEST(ShardDataset, DamageToACompressedChunkOrToRecordsDamagesTheirSamples) {
  std::vector<MixedSample> samples = mixed_samples(100);
  for (MixedSample& sample : samples) std::fill(sample.bytes.begin(), sample.bytes.end(), 1);
  for (bool records : {false, true}) {
    TemporaryFolder folder;
    write_mixed(folder.path(), samples, {.deflate = records ? 0 : 6});
    const fs::path path = folder.path() / "train-00000-of-00001.h5";
    const ShardFile original(path);
    const BlockPlace second = original.block(1);
    const SampleRecord record = original.read_records(1, 1)[3];
    std::vector<uint8_t> bytes = bytes_of(path);
    if (records) {
      const auto* pattern = reinterpret_cast<const uint8_t*>(&record);
      const auto at =
          std::search(bytes.begin(), bytes.end(), pattern, pattern + sizeof(SampleRecord));
      at[16] ^= 1;  // the label
    } else {
      // Compressed chunks begin with these bytes.
      const std::vector<uint8_t> zlib{0x78, 0x9c};
      auto at = std::search(bytes.begin(), bytes.end(), zlib.begin(), zlib.end());
      at = std::search(at + 1, bytes.end(), zlib.begin(), zlib.end());
      ASSERT_NE(at, bytes.end());
      at[9] ^= 1;
    }
    write_bytes(path, bytes);
    for (const ShardDatasetOptions& options : kWaysToRead) {
      const ShardDataset dataset(folder.path(), Split::train, options);
      std::vector<int64_t> damaged;
      dataset.visit(
          range(0, 100),
          [&](size_t position, const Sample& sample) {
            if (!sample.damage.empty()) damaged.push_back(static_cast<int64_t>(position));
          },
          OnDamage::visit);
      EXPECT_EQ(damaged, range(second.first, second.first + second.samples));
    }
    EXPECT_THROW(ShardFile(path).verify(), DamagedSample);
    if (records) {
      EXPECT_THROW(ShardDataset(folder.path(), Split::train).class_counts(99), DamagedSample);
    }
  }
}

TEST(ShardDataset, MemoryIsBoundedByTablesAndCache) {
  TemporaryFolder folder;
  const auto source = small_dataset(1000);
  write_shards(folder.path(), *source, 2, 10);
  const uint64_t tables = 100 * sizeof(ChunkRow), all = 1000 * (24 + sizeof(SampleRecord));
  auto bound = [&](const ShardDatasetOptions& options) {
    return ShardDataset(folder.path(), Split::train, options).memory_bound();
  };
  EXPECT_EQ(bound({}), tables + all);
  EXPECT_EQ(bound({.cache_bytes = 5000, .by_blocks = true}), tables + 5000);
  EXPECT_EQ(bound({.cache_bytes = 5000}), tables + 1000 * sizeof(SampleRecord));
}

// The bytes that malloc() has given out.
uint64_t used_memory() {
  const struct mallinfo2 info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

TEST(ShardDataset, ManyChunksNeedLittleMemory) {
  constexpr uint64_t kOther = 100000;  // bytes for everything that does not grow
  TemporaryFolder folder;
  const auto source = small_dataset(50000);
  write_shards(folder.path(), *source, 1, 1);  // one chunk per sample
  const uint64_t before = used_memory();
  const ShardDataset dataset(folder.path(), Split::train, {.cache_bytes = 5000});
  EXPECT_LT(used_memory() - before, 50000 * sizeof(ChunkRow) + kOther);
  for (int64_t index = 0; index < 50000; index += 100)
    ASSERT_EQ(content_of(dataset, {index}), content_of(*source, {index}));
  EXPECT_TRUE(dataset.reads_single_samples());
  EXPECT_LT(used_memory() - before, dataset.memory_bound() + kOther);
  const ShardDataset blocks(folder.path(), Split::train, {.cache_bytes = 5000, .by_blocks = true});
  EXPECT_EQ(blocks.blocks().size(), 50000U);
}

TEST(BlockCache, ThreadsNeverReadTheSameBlockTwice) {
  BlockCache cache(100 * 1000);
  std::atomic<int> reads = 0;
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (uint64_t key = 0; key < 50; ++key) {
        const BlockCache::Block block = cache.get(key, 1000, [&] {
          ++reads;
          std::this_thread::sleep_for(std::chrono::milliseconds(1));
          return SampleBlock{std::vector<uint8_t>(1000, static_cast<uint8_t>(key)), {}};
        });
        EXPECT_EQ(block->bytes[0], key);
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(reads, 50);
  EXPECT_EQ(cache.bytes(), 50000U);
}

// Without it, blocks that are finished would take the room of blocks that are not.
TEST(BlockCache, ABlockIsDroppedWhenAllOfItsSamplesWereUsed) {
  BlockCache cache(2500);
  std::vector<uint64_t> reads;
  const auto use = [&](uint64_t key, int64_t samples) {
    cache.get(key, 1000, [&] {
      reads.push_back(key);
      return SampleBlock{std::vector<uint8_t>(1000), {}};
    });
    cache.count_used(key, samples, 10);
  };
  use(1, 4);
  use(2, 9);
  use(2, 1);
  EXPECT_EQ(cache.bytes(), 1000U);
  use(3, 1);
  use(1, 6);  // is still there
  EXPECT_EQ(cache.bytes(), 1000U);
  use(1, 1);  // the next epoch
  EXPECT_EQ(reads, (std::vector<uint64_t>{1, 2, 3, 1}));
  cache.count_used(7, 10, 10);  // never read: nothing to drop
  EXPECT_EQ(cache.bytes(), 2000U);
}

TEST(BlockCache, TheLeastRecentlyUsedBlockIsDropped) {
  BlockCache cache(2500);
  std::vector<uint64_t> reads;
  for (uint64_t key : {1, 2, 1, 3, 1, 2})
    cache.get(key, 1000, [&] {
      reads.push_back(key);
      return SampleBlock{std::vector<uint8_t>(1000), {}};
    });
  EXPECT_EQ(reads, (std::vector<uint64_t>{1, 2, 3, 2}));
  EXPECT_EQ(cache.bytes(), 2000U);
}

TEST(BlockCache, AnErrorIsNotKept) {
  BlockCache cache(1000);
  const auto failing = []() -> SampleBlock { fail("broken"); };
  EXPECT_EQ(message_of([&] { cache.get(1, 100, failing); }), "broken");
  EXPECT_EQ(cache.bytes(), 0U);
  const auto good = [] { return SampleBlock{std::vector<uint8_t>(100), {}}; };
  EXPECT_EQ(cache.get(1, 100, good)->bytes.size(), 100U);
}

}  // namespace
}  // namespace d2l::data::test
