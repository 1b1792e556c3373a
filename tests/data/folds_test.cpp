#include "data/folds.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "data/loading/loader.h"
#include "data/shards/shard_dataset.h"
#include "tests/data/data_support.h"

// Subsets of datasets, and the folds of a cross-validation.

namespace d2l::data::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Ranges = std::vector<SampleRange>;

std::vector<int64_t> indices_of(const Ranges& ranges) {
  std::vector<int64_t> indices;
  for (const SampleRange& range : ranges)
    for (int64_t index = range.begin; index < range.end; ++index) indices.push_back(index);
  return indices;
}

// Few ranges, many ranges, and single samples.
const std::vector<Ranges>& some_ranges() {
  static const std::vector<Ranges> kRanges = [] {
    Ranges many, single;
    for (int64_t i = 0; i < 20; ++i) many.push_back({5 * i + i % 3, 5 * i + 4});
    for (int64_t i = 1; i < 103; i += 2) single.push_back({i, i + 1});
    return std::vector<Ranges>{{{0, 103}}, {{10, 31}}, {{0, 7}, {7, 40}, {90, 103}}, many, single};
  }();
  return kRanges;
}

TEST(Subset, HasTheSamplesOfItsRanges) {
  const std::shared_ptr<const Dataset> source = small_dataset(103);
  TemporaryFolder folder;
  write_shards(folder.path(), *source, 3, 7);
  const auto shards = std::make_shared<const ShardDataset>(folder.path(), Split::train);
  for (const auto& whole : {source, std::shared_ptr<const Dataset>(shards)})
    for (const Ranges& ranges : some_ranges()) {
      const Subset subset(whole, ranges);
      const std::vector<int64_t> indices = indices_of(ranges);
      const Content expected = content_of(*source, indices);
      ASSERT_EQ(subset.samples(), static_cast<int64_t>(indices.size()));
      EXPECT_EQ(content_of(subset), expected);
      EXPECT_EQ(subset.labels(0, subset.samples()), expected.labels);
      for (const int64_t count : {int64_t{0}, int64_t{1}, subset.samples() / 2, subset.samples()}) {
        std::vector<int64_t> counts(5);
        for (int64_t i = 0; i < count; ++i) ++counts[expected.labels[static_cast<size_t>(i)]];
        EXPECT_EQ(subset.class_counts(count), counts);
      }
      for (const int64_t i : {int64_t{0}, subset.samples() - 1}) {
        EXPECT_EQ(subset.label(i), expected.labels[static_cast<size_t>(i)]);
        EXPECT_EQ(subset.place_of(i), whole->place_of(indices[static_cast<size_t>(i)]));
      }
      EXPECT_EQ(subset.class_names(), whole->class_names());
    }
}

// The first sample of each block of the whole dataset that the subset has; only these are read.
TEST(Subset, KeepsTheBlocksOfTheWhole) {
  TemporaryFolder folder;
  write_shards(folder.path(), *small_dataset(100), 2, 10);
  const auto shards = std::make_shared<const ShardDataset>(folder.path(), Split::train);
  EXPECT_THAT(Subset(shards, {{0, 20}, {65, 100}}).blocks(), ElementsAre(0, 10, 20, 25, 35, 45));
  EXPECT_THAT(Subset(shards, {{25, 27}, {29, 30}, {45, 46}}).blocks(), ElementsAre(0, 3));
  EXPECT_THAT(Subset(shards, {{99, 100}}).blocks(), ElementsAre(0));
  EXPECT_THAT(Subset(small_dataset(9), {{3, 5}}).blocks(), ElementsAre(0));
}

TEST(Subset, RefusesRangesThatAreNotAscending) {
  const std::shared_ptr<const Dataset> whole = small_dataset(10);
  for (const Ranges& wrong :
       std::vector<Ranges>{{{0, 11}}, {{-1, 3}}, {{4, 4}}, {{0, 5}, {4, 6}}, {{5, 6}, {0, 2}}})
    EXPECT_THAT(message_of([&] { Subset(whole, wrong); }),
                HasSubstr("small: expected ascending ranges of samples in [0, 10), found ["));
  EXPECT_THAT(message_of([&] { Subset(whole, {}); }), HasSubstr("at least one sample"));
}

TEST(Subset, HasAFingerprintOfItsOwn) {
  const std::shared_ptr<const Dataset> whole = small_dataset(10);
  const auto print = [&](const Ranges& ranges, const std::string& part = "") {
    return Subset(whole, ranges, {.part = part}).fingerprint();
  };
  EXPECT_EQ(print({{0, 4}}), print({{0, 4}}));
  EXPECT_NE(print({{0, 4}}), print({{1, 5}}));
  EXPECT_NE(print({{0, 4}}), Subset(small_dataset(11), {{0, 4}}).fingerprint());
  EXPECT_THAT(print({{2, 6}}, "only fold 2 of 3"),
              testing::MatchesRegex("small, 4 samples of \\[4, 3, 2\\] in 5 classes, checksum "
                                    "[0-9a-f]+, only fold 2 of 3"));
}

// The samples of a dataset are recognised by their pixels.
std::vector<int64_t> positions_in(const Dataset& whole, const Dataset& part) {
  const Content all = content_of(whole), some = content_of(part);
  const size_t bytes = all.images.size() / all.labels.size();
  std::vector<int64_t> positions;
  for (size_t i = 0; i < some.labels.size(); ++i)
    for (size_t k = 0; k < all.labels.size(); ++k)
      if (std::equal(some.images.begin() + static_cast<ptrdiff_t>(i * bytes),
                     some.images.begin() + static_cast<ptrdiff_t>((i + 1) * bytes),
                     all.images.begin() + static_cast<ptrdiff_t>(k * bytes)))
        positions.push_back(static_cast<int64_t>(k));
  return positions;
}

TEST(Folds, DivideAllSamples) {
  for (const bool shuffle : {false, true})
    for (const int64_t samples : {2, 10, 53})
      for (const int64_t folds : {int64_t{2}, int64_t{5}, int64_t{10}, samples}) {
        if (folds > samples) continue;
        const std::shared_ptr<const Dataset> whole = small_dataset(samples);
        std::vector<int64_t> all_tested;
        for (int64_t number = 1; number <= folds; ++number) {
          const Fold fold =
              make_fold(whole, {.folds = folds, .fold = number, .shuffle = shuffle, .seed = 3});
          const std::vector<int64_t> trained = positions_in(*whole, *fold.train),
                                     tested = positions_in(*whole, *fold.test);
          EXPECT_TRUE(std::is_sorted(trained.begin(), trained.end()));
          EXPECT_LE(fold.test->samples(), (samples + folds - 1) / folds);
          EXPECT_GE(fold.test->samples(), samples / folds);
          std::vector<int64_t> both = trained;
          both.insert(both.end(), tested.begin(), tested.end());
          std::sort(both.begin(), both.end());
          EXPECT_EQ(both, range(0, samples));
          all_tested.insert(all_tested.end(), tested.begin(), tested.end());
        }
        if (shuffle) std::sort(all_tested.begin(), all_tested.end());
        EXPECT_EQ(all_tested, range(0, samples));
      }
}

TEST(Folds, AreRangesAsInTheBook) {
  const std::shared_ptr<const Dataset> whole = small_dataset(11);
  const Fold fold = make_fold(whole, {.folds = 3, .fold = 2});
  EXPECT_THAT(positions_in(*whole, *fold.test), ElementsAre(4, 5, 6, 7));
  EXPECT_THAT(positions_in(*whole, *fold.train), ElementsAre(0, 1, 2, 3, 8, 9, 10));
  EXPECT_THAT(fold.train->fingerprint(), testing::EndsWith(", without fold 2 of 3"));
  EXPECT_THAT(fold.test->fingerprint(), testing::EndsWith(", only fold 2 of 3"));
}

// A change of these numbers would change the folds of runs that are resumed.
TEST(Folds, ThatAreShuffledDependOnSeedSamplesAndTheirNumberOnly) {
  const std::shared_ptr<const Dataset> whole = small_dataset(20);
  const auto tested = [&](int64_t folds, uint64_t seed) {
    return positions_in(
        *whole, *make_fold(whole, {.folds = folds, .fold = 2, .shuffle = true, .seed = seed}).test);
  };
  EXPECT_THAT(tested(4, 0), ElementsAre(3, 4, 7, 8, 12));
  EXPECT_NE(tested(4, 1), tested(4, 0));
}

TEST(Folds, ShareOneDataset) {
  TemporaryFolder folder;
  write_shards(folder.path(), *small_dataset(100), 2, 10);
  const auto shards = std::make_shared<const ShardDataset>(folder.path(), Split::train);
  const Fold fold = make_fold(shards, {.folds = 4, .fold = 2});
  const uint64_t both = fold.train->memory_bound() + fold.test->memory_bound();
  EXPECT_GE(both, shards->memory_bound());
  EXPECT_LE(both, shards->memory_bound() + 100);
  content_of(*fold.train);
  content_of(*fold.test);
  EXPECT_EQ(shards->cached_bytes(), 5600U);  // ten chunks with their records
}

TEST(Folds, RefuseOtherNumbers) {
  const std::shared_ptr<const Dataset> whole = small_dataset(10);
  const auto message = [&](int64_t folds, int64_t fold) {
    return message_of([&] { make_fold(whole, {.folds = folds, .fold = fold}); });
  };
  EXPECT_EQ(message(11, 1), "small: expected from 2 folds to as many as the 10 samples, found 11");
  EXPECT_THAT(message(1, 1), HasSubstr("found 1"));
  EXPECT_EQ(message(3, 4), "expected a fold from 1 to 3, found 4");
  EXPECT_THAT(message(3, 0), HasSubstr("found 0"));
}

}  // namespace
}  // namespace d2l::data::test
