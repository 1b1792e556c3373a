#include "data/loading/sampler.h"

#include <algorithm>

#include "tests/data/data_support.h"

namespace d2l::data::test {
namespace {

using Indices = std::vector<int64_t>;

Indices order_of(const Sampler::Options& options, int64_t epoch) {
  Indices all(static_cast<size_t>(options.samples));
  Sampler(options).order(epoch)->read(0, all);
  return all;
}

TEST(Sampler, OrderIsAPermutationOfAllSamples) {
  for (int64_t samples : {1, 2, 10, 1000, 4097}) {
    Indices order = order_of({.samples = samples, .seed = 3}, 5);
    std::sort(order.begin(), order.end());
    EXPECT_EQ(order, range(0, samples)) << samples;
  }
}

// From an independent implementation of Philox and Fisher-Yates.
TEST(Sampler, OrderHasGoldenValues) {
  EXPECT_EQ(order_of({.samples = 10, .seed = 1}, 0), (Indices{9, 7, 8, 5, 4, 6, 0, 2, 1, 3}));
  EXPECT_EQ(order_of({.samples = 10, .seed = 1}, 1), (Indices{1, 8, 0, 2, 6, 4, 3, 5, 9, 7}));
  EXPECT_EQ(order_of({.samples = 10, .seed = 2}, 0), (Indices{1, 4, 6, 8, 7, 9, 2, 3, 0, 5}));
  Indices order = order_of({.samples = 60000, .seed = 0}, 0);
  order.resize(5);
  EXPECT_EQ(order, (Indices{26702, 25496, 19878, 28306, 51926}));
}

TEST(Sampler, EpochsAndSeedsDifferAndRepeat) {
  const Sampler::Options first{.samples = 1000, .seed = 1}, second{.samples = 1000, .seed = 2};
  EXPECT_NE(order_of(first, 0), order_of(first, 1));
  EXPECT_NE(order_of(first, 0), order_of(second, 0));
  EXPECT_EQ(order_of(first, 7), order_of(first, 7));
}

TEST(Sampler, EveryPositionIsEquallyLikely) {
  std::vector<int> where(10, 0);  // of sample 0
  for (int64_t epoch = 0; epoch < 10000; ++epoch) {
    const Indices order = order_of({.samples = 10, .seed = 9}, epoch);
    ++where[static_cast<size_t>(std::find(order.begin(), order.end(), 0) - order.begin())];
  }
  for (int count : where) EXPECT_NEAR(count, 1000, 150);  // five standard deviations
}

TEST(Sampler, SequentialOrderIsTheIdentity) {
  EXPECT_EQ(order_of({.samples = 100, .order = Order::sequential}, 4), range(0, 100));
}

// With slices, the parts of 2 ranks are halves of the part of 1 rank, also of small batches.
TEST(Sampler, PartsConsistOfWholeSlices) {
  for (const int64_t samples : {64, 13, 10, 3}) {
    const auto part = [&](int rank, int ranks) {
      return Sampler({.samples = samples,
                      .global_batch = 64,
                      .rank = rank,
                      .ranks = ranks,
                      .slices = 4})
          .part(0);
    };
    for (int rank = 0; rank < 2; ++rank) {
      const Sampler::Part half = part(rank, 2), lower = part(2 * rank, 4),
                          upper = part(2 * rank + 1, 4);
      EXPECT_EQ(half.begin, lower.begin) << samples;
      EXPECT_EQ(lower.end, upper.begin) << samples;
      EXPECT_EQ(half.end, upper.end) << samples;
      EXPECT_EQ(half.first_in_global, half.begin) << samples;
    }
    EXPECT_EQ(part(0, 1).end, samples);
    EXPECT_EQ(part(0, 2).end, share_begin(samples, 4, 2));
  }
  EXPECT_NE(message_of([] { Sampler({.samples = 9, .ranks = 3, .slices = 4}); }), "");
}

TEST(Sampler, ConcatenatedPartsAreTheSameForEveryNumberOfRanks) {
  for (int ranks : {1, 2, 3, 4, 7, 40}) {
    Indices seen;
    int64_t steps = 0;
    for (int64_t step = 0; step < Sampler({.samples = 101, .global_batch = 16}).steps_per_epoch();
         ++step, ++steps)
      for (int rank = 0; rank < ranks; ++rank) {
        const Sampler sampler({.samples = 101, .global_batch = 16, .rank = rank, .ranks = ranks});
        const Sampler::Part part = sampler.part(step);
        EXPECT_EQ(part.global_size, step < 6 ? 16 : 5);
        EXPECT_EQ(part.begin, step * 16 + part.first_in_global);
        for (int64_t at = part.begin; at < part.end; ++at) seen.push_back(at);
      }
    EXPECT_EQ(steps, 7);
    EXPECT_EQ(seen, range(0, 101)) << ranks << " ranks";
  }
}

TEST(Sampler, PartsDifferByAtMostOneAndLowerRanksGetMore) {
  Indices sizes;
  for (int rank = 0; rank < 3; ++rank) {
    const auto part =
        Sampler({.samples = 256, .global_batch = 256, .rank = rank, .ranks = 3}).part(0);
    sizes.push_back(part.end - part.begin);
  }
  EXPECT_EQ(sizes, (Indices{86, 85, 85}));
  const auto empty = Sampler({.samples = 2, .global_batch = 8, .rank = 2, .ranks = 3}).part(0);
  EXPECT_EQ(empty.begin, empty.end);
  EXPECT_EQ(empty.global_size, 2);
}

TEST(Sampler, StepsPerEpochRoundUp) {
  EXPECT_EQ(Sampler({.samples = 60000, .global_batch = 256}).steps_per_epoch(), 235);
  EXPECT_EQ(Sampler({.samples = 512, .global_batch = 256}).steps_per_epoch(), 2);
  EXPECT_EQ(Sampler({.samples = 1, .global_batch = INT64_MAX}).steps_per_epoch(), 1);
  EXPECT_EQ(Sampler({.samples = 5, .global_batch = INT64_MAX}).part(0).end, 5);
}

TEST(Sampler, RefusesWhatMakesNoSense) {
  EXPECT_EQ(message_of([] { Sampler({.samples = 0}); }),
            "sampler: expected at least one sample, found 0");
  EXPECT_EQ(message_of([] { Sampler({.samples = 1, .global_batch = 0}); }),
            "sampler: expected a batch of at least 1, found 0");
  EXPECT_EQ(message_of([] { Sampler({.samples = 1, .rank = 2, .ranks = 2}); }),
            "sampler: expected a rank in [0, 2), found 2");
  EXPECT_EQ(message_of([] { Sampler({.samples = 4, .global_batch = 2}).part(2); }),
            "sampler: step 2 is outside [0, 2)");
}

}  // namespace
}  // namespace d2l::data::test
