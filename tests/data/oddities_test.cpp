#include "data/oddities.h"

#include <gmock/gmock.h>

#include "data/shards/shard_dataset.h"
#include "tests/data/data_support.h"

namespace d2l::data::test {
namespace {

using testing::ElementsAre;
using Labels = std::vector<uint8_t>;

std::unique_ptr<Dataset> with_labels(const Labels& labels, int64_t classes,
                                     std::vector<std::string> names = {}) {
  DatasetInfo info{.name = "set", .shape = {1, 1, 1}, .classes = classes};
  info.class_names = std::move(names);
  return std::make_unique<MemoryDataset>(info, Labels(labels.size()), labels);
}

TEST(Oddities, NothingIsSaidOfUsualData) {
  EXPECT_THAT(oddities(*with_labels({0, 1, 2, 2}, 3), *with_labels({2, 1, 0}, 3)), ElementsAre());
  EXPECT_THAT(oddities(*small_dataset(5), Split::train, 5), ElementsAre());
}

// Letters are often numbered 1 to 26.
TEST(Oddities, LabelsThatCountFromOne) {
  const auto letters = with_labels({1, 2, 3, 3, 1, 1}, 4);
  const std::string expected =
      "set, train: no samples of 1 of 4 classes: 0 (do the labels count from 1?); samples per "
      "class: "
      "0, 3, 1, 2";
  EXPECT_THAT(oddities(*letters, Split::train, 6), ElementsAre(expected));
  // the test data lack the class too, which needs no second line
  EXPECT_THAT(oddities(*letters, *with_labels({3, 2, 1}, 4)), ElementsAre(expected));
}

TEST(Oddities, ClassesOfOneSplitOnly) {
  const std::vector<std::string> names{"ant", "bee", "cat", "dog"};
  EXPECT_THAT(
      oddities(*with_labels({0, 0, 1, 1, 1}, 4, names), *with_labels({1, 2, 2, 3}, 4, names)),
      ElementsAre(
          "set, train: no samples of 2 of 4 classes: 2 (cat), 3 (dog); samples per class: 2, 3, 0, "
          "0",
          "set, test: no samples of 1 of 4 classes: 0 (ant); samples per class: 0, 1, 2, 1",
          "set, test: 3 samples are of classes without training samples: 2 (cat), 3 (dog)"));
}

TEST(Oddities, LinesStayShortAndRemarksComeFirst) {
  DatasetInfo info{.name = "set", .shape = {1, 1, 1}, .classes = 100};
  info.remarks = {"a file is missing"};
  const MemoryDataset dataset(info, Labels(2), {7, 50});
  EXPECT_THAT(
      oddities(dataset, Split::test, 2),
      ElementsAre("set, test: a file is missing",
                  "set, test: no samples of 98 of 100 classes: 0, 1, 2, 3, 4, 5, 6, 8 and 90 more; "
                  "samples per class: 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, "
                  "0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 and 68 more"));
}

// Shards store labels separately; only those of the first samples count.
TEST(Oddities, OfShardsAndOfAPart) {
  TemporaryFolder folder;
  write_shards(folder.path(), *small_dataset(13), 3, 2);
  const ShardDataset shards(folder.path(), Split::train);
  EXPECT_EQ(shards.class_counts(13), small_dataset(13)->class_counts(13));
  EXPECT_EQ(shards.class_counts(13), (std::vector<int64_t>{3, 3, 2, 3, 2}));
  EXPECT_THAT(oddities(shards, Split::train, 3),
              ElementsAre("small, train: no samples of 2 of 5 classes: 2 (cat), 4 (eel); samples "
                          "per class: 1, 1, 0, 1, 0"));
  EXPECT_EQ(message_of([&] { shards.class_counts(14); }),
            "small: expected at most 13 samples, found 14");
}

}  // namespace
}  // namespace d2l::data::test
