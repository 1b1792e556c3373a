#include <algorithm>
#include <map>

#include "data/loading/sampler.h"
#include "tests/data/data_support.h"

// Order::blocks.

namespace d2l::data::test {
namespace {

using Indices = std::vector<int64_t>;

// Blocks of `least` to `most` samples.
Indices random_blocks(int64_t samples, int64_t least, int64_t most, uint64_t seed) {
  Indices blocks;
  for (int64_t begin = 0; begin < samples;) {
    blocks.push_back(begin);
    begin += least + static_cast<int64_t>(random_below({seed, 5}, blocks.size(),
                                                       static_cast<uint64_t>(most - least + 1)));
  }
  return blocks;
}

// What one rank reads in a step.
Indices read_part(const Sampler& sampler, const EpochOrder& order, int64_t step) {
  const Sampler::Part part = sampler.part(step);
  Indices samples(static_cast<size_t>(part.end - part.begin));
  order.read(part.begin, samples);
  return samples;
}

// The batches of an epoch, each joined from the parts of `ranks` ranks.
std::vector<Indices> batches(Sampler::Options options, int ranks, int64_t epoch) {
  options.ranks = ranks;
  std::vector<Indices> joined(static_cast<size_t>(Sampler(options).steps_per_epoch()));
  for (options.rank = 0; options.rank < ranks; ++options.rank) {
    const Sampler sampler(options);
    const auto order = sampler.order(epoch);
    for (size_t step = 0; step < joined.size(); ++step) {
      const Indices part = read_part(sampler, *order, static_cast<int64_t>(step));
      joined[step].insert(joined[step].end(), part.begin(), part.end());
    }
  }
  return joined;
}

Indices joined(const std::vector<Indices>& batches) {
  Indices all;
  for (const Indices& batch : batches) all.insert(all.end(), batch.begin(), batch.end());
  return all;
}

size_t block_of(const Indices& blocks, int64_t sample) {
  return static_cast<size_t>(std::upper_bound(blocks.begin(), blocks.end(), sample) -
                             blocks.begin());
}

Sampler::Options options_of(int64_t samples, int64_t batch, const Indices& blocks,
                            int64_t window = Sampler::kDefaultWindow) {
  return {.samples = samples,
          .global_batch = batch,
          .seed = 3,
          .order = Order::blocks,
          .blocks = blocks,
          .window = window};
}

// Sizes, blocks and batches of all kinds, also a single sample and blocks of very unequal sizes.
TEST(BlockOrder, EveryEpochHasEverySampleOnceInBatchesThatDoNotDependOnTheRanks) {
  int cases = 0;
  for (const int64_t samples : {1, 2, 7, 64, 509, 1201})
    for (const int64_t most : {1, 3, 40, 1000})
      for (const int64_t batch : {1, 2, 3, 16, 61, 256, 5000})
        for (const int64_t window : {4, 9, 64, 256}) {
          const uint64_t seed = static_cast<uint64_t>(++cases);
          const Indices blocks = random_blocks(samples, most == 40 ? 40 : 1, most, seed);
          const Sampler::Options options = options_of(samples, batch, blocks, window);
          SCOPED_TRACE(concat(samples, " samples, ", blocks.size(), " blocks, batch ", batch,
                              ", window ", window));
          const std::vector<Indices> found = batches(options, 1, 2);
          Indices sorted = joined(found);
          std::sort(sorted.begin(), sorted.end());
          ASSERT_EQ(sorted, range(0, samples));
          for (const int ranks : {2, 3, 4, 7})
            ASSERT_EQ(batches(options, ranks, 2), found) << ranks << " ranks";
        }
  EXPECT_EQ(cases, 6 * 4 * 7 * 4);
}

TEST(BlockOrder, AnyPieceOfAPartCanBeReadAlone) {
  const Sampler sampler(options_of(1000, 64, random_blocks(1000, 5, 15, 1)));
  const auto order = sampler.order(0);
  Indices all(1000);
  order->read(0, all);
  for (const int64_t size : {1, 5, 64, 100})
    for (int64_t begin = 0; begin + size <= 1000; begin += size) {
      Indices piece(static_cast<size_t>(size));
      order->read(begin, piece);
      EXPECT_TRUE(std::equal(piece.begin(), piece.end(), all.begin() + begin)) << begin;
    }
}

TEST(BlockOrder, EpochsAndSeedsDifferAndRepeat) {
  Sampler::Options options = options_of(2000, 50, random_blocks(2000, 10, 10, 1));
  const auto all = [&](int64_t epoch) { return joined(batches(options, 1, epoch)); };
  const Indices first = all(0), second = all(1);
  EXPECT_NE(first, second);
  EXPECT_EQ(first, all(0));
  options.seed = 4;
  EXPECT_NE(first, all(0));
}

// From an independent implementation.
TEST(BlockOrder, HasGoldenValues) {
  const Sampler::Options options = options_of(24, 8, {0, 4, 8, 12, 16, 20}, 8);
  EXPECT_EQ(batches(options, 1, 0), (std::vector<Indices>{{10, 11, 8, 9, 3, 19, 18, 0},
                                                          {12, 14, 23, 22, 16, 17, 2, 1},
                                                          {20, 15, 13, 21, 5, 4, 7, 6}}));
  EXPECT_EQ(batches(options, 1, 1), (std::vector<Indices>{{12, 15, 13, 14, 17, 18, 19, 2},
                                                          {6, 7, 9, 8, 16, 0, 1, 3},
                                                          {11, 4, 5, 10, 21, 22, 20, 23}}));
  Sampler::Options uneven = options_of(13, 5, {0, 1, 6, 8}, 4);
  uneven.seed = 1;
  EXPECT_EQ(batches(uneven, 1, 0),
            (std::vector<Indices>{{4, 5, 1, 3, 2}, {9, 8, 7, 11, 0}, {10, 6, 12}}));
}

// The point of the order: a rank reads each block once, while it has only a few others in use.
TEST(BlockOrder, ARankReadsItsOwnShareOfTheBlocks) {
  constexpr int64_t kSamples = 100'000;
  const Indices blocks = random_blocks(kSamples, 20, 60, 1);  // about 2,500
  const auto size_of = [&](int64_t block) {
    const auto next = static_cast<size_t>(block);  // block_of() counts from 1
    return (next < blocks.size() ? blocks[next] : kSamples) - blocks[next - 1];
  };
  for (const int ranks : {1, 2, 4, 7, 16}) {
    Sampler::Options options = options_of(kSamples, 256, blocks);
    options.ranks = ranks;
    size_t read = 0;  // by all ranks, each with a cache of `room` blocks
    for (options.rank = 0; options.rank < ranks; ++options.rank) {
      const Sampler sampler(options);
      const auto order = sampler.order(0);
      const auto room = static_cast<size_t>(
          BlockLanes::blocks_in_use(256, share_begin(256, ranks, 1), options.window));
      EXPECT_LE(room, static_cast<size_t>((64 / ranks + 3) * 5));
      Indices recent;                   // the cache, least recently used first
      std::map<int64_t, int64_t> used;  // samples of each block
      for (int64_t step = 0; step < sampler.steps_per_epoch(); ++step)
        for (const int64_t sample : read_part(sampler, *order, step)) {
          const auto block = static_cast<int64_t>(block_of(blocks, sample));
          const auto known = std::find(recent.begin(), recent.end(), block);
          if (known == recent.end())
            ++read;
          else
            recent.erase(known);
          if (++used[block] < size_of(block)) recent.push_back(block);
          if (recent.size() > room) recent.erase(recent.begin());
        }
    }
    // One lane of each rank is shared by two ranks.
    const auto once = static_cast<double>(blocks.size());
    const double repeated = (ranks - 1) * once / 64;
    EXPECT_GE(read, blocks.size());
    EXPECT_LE(static_cast<double>(read), once + 1.2 * repeated) << ranks << " ranks";
  }
}

// Every batch draws from the whole dataset. In a dataset that is sorted by class, the classes of a
// batch are about as mixed as in a random choice.
TEST(BlockOrder, BatchesOfASortedDatasetAreMixed) {
  constexpr int64_t kSamples = 100'000, kClasses = 10, kBatch = 256;
  const Sampler::Options options = options_of(kSamples, kBatch, random_blocks(kSamples, 20, 60, 1));
  double squares = 0;
  int counts = 0;
  for (const Indices& batch : batches(options, 1, 0)) {
    if (batch.size() < kBatch) continue;
    std::vector<double> found(kClasses);
    for (const int64_t sample : batch) ++found[static_cast<size_t>(sample * kClasses / kSamples)];
    for (const double count : found) {
      squares += (count - 25.6) * (count - 25.6);
      ++counts;
    }
  }
  const double random = kBatch * 0.1 * 0.9;  // variance of the binomial distribution
  EXPECT_LT(squares / counts, 2.5 * random);
  EXPECT_GT(squares / counts, 0.4 * random);
}

TEST(BlockOrder, NeighboursInABlockAreSpreadOverItsWindow) {
  const Sampler sampler(options_of(64'000, 256, random_blocks(64'000, 40, 40, 1)));
  Indices all(64'000), where(64'000);
  sampler.order(0)->read(0, all);
  for (int64_t i = 0; i < 64'000; ++i)
    where[static_cast<size_t>(all[static_cast<size_t>(i)])] = i / 256;  // the step
  double distance = 0;
  for (size_t i = 0; i + 1 < where.size(); ++i)
    distance += static_cast<double>(std::abs(where[i + 1] - where[i]));
  // Two random points of a window of 4 x 40 samples, of which a step takes 4: a third of 40 steps.
  EXPECT_NEAR(distance / 64'000, 40.0 / 3, 4);
}

TEST(Permutation, IsOneForAnySize) {
  for (int64_t size : {1, 2, 3, 5, 64, 1000, 4097}) {
    const Permutation permutation(17, size);
    Indices found;
    for (int64_t i = 0; i < size; ++i) found.push_back(permutation(i));
    std::sort(found.begin(), found.end());
    EXPECT_EQ(found, range(0, size));
  }
}

TEST(Permutation, EveryOrderIsEquallyLikely) {
  std::map<Indices, int> counts;
  for (uint64_t key = 0; key < 24'000; ++key) {
    const Permutation permutation(key, 4);
    ++counts[{permutation(0), permutation(1), permutation(2), permutation(3)}];
  }
  EXPECT_EQ(counts.size(), 24U);
  for (const auto& [order, count] : counts) EXPECT_NEAR(count, 1000, 160);  // five deviations
}

TEST(BlockOrder, RefusesWhatMakesNoSense) {
  EXPECT_EQ(message_of([] { Sampler(options_of(10, 4, {})); }),
            "sampler: expected blocks in ascending order from sample 0 to below 10");
  for (const Indices& blocks : {Indices{1}, Indices{0, 10}, Indices{0, 5, 5}})
    EXPECT_EQ(message_of([&] { Sampler(options_of(10, 4, blocks)); }),
              "sampler: expected blocks in ascending order from sample 0 to below 10");
  EXPECT_EQ(message_of([] { Sampler(options_of(10, 4, {0}, 3)); }),
            "sampler: expected a window of at least 4 blocks, found 3");
}

}  // namespace
}  // namespace d2l::data::test
