#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <set>

#include "data/loading/loader.h"
#include "data/shards/shard_dataset.h"
#include "tests/data/image_support.h"
#include "tests/data/mixed_shards.h"

// Damaged samples in the loader.

namespace d2l::data::test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

// The small dataset with damaged samples.
class Damaged final : public Dataset {
 public:
  Damaged(int64_t samples, std::set<int64_t> damaged)
      : Damaged(small_dataset(samples), std::move(damaged)) {}
  const Dataset& source() const { return *source_; }

 private:
  Damaged(std::unique_ptr<MemoryDataset> source, std::set<int64_t> damaged)
      : Dataset(source->info()), source_(std::move(source)), damaged_(std::move(damaged)) {}
  void visit_samples(std::span<const int64_t> indices, const Visitor& visitor) const override {
    source_->visit(indices, [&](size_t position, const Sample& sample) {
      Sample found = sample;
      if (damaged_.contains(indices[position]))
        found.damage = concat(place_of(indices[position]), ": checksum 1, expected 2");
      visitor(position, found);
    });
  }
  int64_t label_of(int64_t) const override { return 0; }
  uint64_t content_checksum() const override { return 0; }

  std::unique_ptr<MemoryDataset> source_;
  std::set<int64_t> damaged_;
};

LoaderOptions skipping(int rank = 0, int ranks = 1, int threads = 1) {
  return {.batch_size = 16,
          .order = Order::sequential,
          .rank = rank,
          .ranks = ranks,
          .threads = threads,
          .on_bad_sample = OnBadSample::skip};
}

// The samples of a number of batches, joined over the ranks; with the images' bytes checked.
std::vector<int64_t> samples_of(const std::shared_ptr<Damaged>& dataset, int ranks, int threads,
                                int64_t steps) {
  std::vector<std::vector<int64_t>> batches(static_cast<size_t>(steps));
  for (int rank = 0; rank < ranks; ++rank) {
    Loader loader(dataset, cpu(), skipping(rank, ranks, threads));
    for (std::vector<int64_t>& joined : batches) {
      const Batch batch = loader.next();
      const auto samples = batch.samples.to_vector<int64_t>();
      const Content content = content_of(dataset->source(), samples);
      EXPECT_EQ(batch.inputs.to_vector<uint8_t>(), content.images);
      EXPECT_EQ(batch.targets.to_vector<int64_t>(), content.labels);
      joined.insert(joined.end(), samples.begin(), samples.end());
    }
  }
  std::vector<int64_t> all;
  for (const auto& batch : batches) all.insert(all.end(), batch.begin(), batch.end());
  return all;
}

TEST(BadSample, IsReplacedByTheNextGoodOneForAnyRanksAndThreads) {
  const auto dataset =
      std::make_shared<Damaged>(100, std::set<int64_t>{0, 7, 8, 31, 32, 33, 50, 99});
  std::vector<int64_t> expected = range(0, 100);
  for (const auto& [damaged, good] : std::map<int64_t, int64_t>{
           {0, 1}, {7, 9}, {8, 9}, {31, 34}, {32, 34}, {33, 34}, {50, 51}, {99, 1}})
    expected[static_cast<size_t>(damaged)] = good;
  for (int ranks : {1, 2, 3, 4, 7})
    for (int threads : {1, 2, 5})
      EXPECT_EQ(samples_of(dataset, ranks, threads, 7), expected)
          << ranks << " ranks, " << threads << " threads";
}

TEST(BadSample, IsCountedEachTimeAndNamedOnce) {
  const auto dataset = std::make_shared<Damaged>(32, std::set<int64_t>{3, 20});
  Loader loader(dataset, cpu(), skipping(0, 1, 2));
  loader.next();
  Replaced found = loader.take_replaced();
  EXPECT_EQ(found.count, 1);
  EXPECT_THAT(found.problems, ElementsAre("small, sample 3: checksum 1, expected 2"));
  for (int i = 0; i < 4; ++i) loader.next();
  found = loader.take_replaced();
  EXPECT_EQ(found.count, 4);
  EXPECT_THAT(found.problems, ElementsAre("small, sample 20: checksum 1, expected 2"));
  found = loader.take_replaced();
  EXPECT_EQ(found.count, 0);
  EXPECT_TRUE(found.problems.empty());
}

TEST(BadSample, EndsTheJobUnlessItMayBeSkipped) {
  const auto dataset = std::make_shared<Damaged>(100, std::set<int64_t>{40, 35, 90});
  for (int threads : {1, 2, 5}) {
    LoaderOptions options = skipping(0, 1, threads);
    options.on_bad_sample = OnBadSample::fail;
    Loader loader(dataset, cpu(), options);
    loader.next();
    loader.next();
    for (int i = 0; i < 2; ++i)
      EXPECT_EQ(message_of([&] { loader.next(); }), "small, sample 35: checksum 1, expected 2");
    loader.seek(0, 3);
    EXPECT_EQ(loader.next().size(), 16);
  }
}

// Reads an epoch in which every fifth sample is damaged, up to `damaged` ones.
void read_with(int64_t damaged, int64_t samples) {
  std::set<int64_t> bad;
  for (int64_t i = 0; i < damaged; ++i) bad.insert(i * 5);
  Loader loader(std::make_shared<Damaged>(samples, bad), cpu(), skipping());
  for (int64_t i = 0; i < loader.steps_per_epoch(); ++i) loader.next();
}

TEST(BadSample, TooManyAreAnError) {
  EXPECT_NO_THROW(read_with(10, 100));
  EXPECT_EQ(message_of([] { read_with(11, 100); }),
            "11 of the first 64 samples of this rank are damaged, more than 1 %: small, sample 50: "
            "checksum 1, expected 2");
  EXPECT_THAT(message_of([] { read_with(100, 500); }), HasSubstr("13 of the first 64 samples"));
}

TEST(BadSample, WithoutAnyGoodOneIsAnError) {
  std::set<int64_t> all;
  for (int64_t i = 0; i < 12'000; ++i) all.insert(i);
  Loader few(std::make_shared<Damaged>(8, all), cpu(), skipping());
  EXPECT_EQ(message_of([&] { few.next(); }),
            "small, sample 0: checksum 1, expected 2; the 7 samples after it are damaged too");
  Loader many(std::make_shared<Damaged>(12'000, all), cpu(), skipping());
  EXPECT_EQ(message_of([&] { many.next(); }),
            "small, sample 0: checksum 1, expected 2; the 10000 samples after it are damaged too");
}

// A folder of shards with image files of different sizes: sample 11 is a JPEG file that ends in the
// middle, sample 30 has a flipped bit in the shard.
class DamagedShards : public testing::Test {
 protected:
  static constexpr int64_t kSamples = 60, kSize = 12;

  void SetUp() override {
    for (int64_t i = 0; i < kSamples; ++i) {
      const int64_t height = 20 + i % 7, width = 30 - i % 5;
      MixedSample sample;
      sample.shape = {height, width, 3};
      sample.label = i % 5;
      sample.name = concat(i, ".img");
      if (i % 3 == 0) {
        sample.bytes = noise(static_cast<size_t>(sample.shape.elements()), 40 + uint64_t(i));
      } else {
        sample.encoding = Encoding::jpeg;
        sample.bytes = make_jpeg({.height = height, .width = width});
      }
      samples_.push_back(sample);
    }
    samples_[11].bytes.resize(samples_[11].bytes.size() / 2);
    write_mixed(folder_.path(), samples_, {.shards = 2});
    const std::filesystem::path second = folder_.path() / "train-00001-of-00002.h5";
    std::vector<uint8_t> bytes = bytes_of(second);
    const std::vector<uint8_t>& image = samples_[30].bytes;
    const auto at = std::search(bytes.begin(), bytes.end(), image.begin(), image.end());
    ASSERT_NE(at, bytes.end());
    at[100] ^= 1;
    write_bytes(second, bytes);
  }

  std::shared_ptr<const Dataset> open(const ShardDatasetOptions& options) const {
    return std::make_shared<ShardDataset>(folder_.path(), Split::train, options);
  }
  static LoaderOptions loader_options(Order order, int threads, OnBadSample on_bad_sample) {
    return {.batch_size = 7,
            .order = order,
            .threads = threads,
            .pipeline = Pipeline().resized(kSize),
            .on_bad_sample = on_bad_sample};
  }
  void expect_images(const Batch& batch) const {
    const auto numbers = batch.samples.to_vector<int64_t>();
    const auto images = batch.inputs.to_vector<uint8_t>();
    constexpr size_t kElements = size_t{kSize} * kSize * 3;
    std::vector<uint8_t> expected(kElements);
    ViewReader reader;
    for (size_t i = 0; i < numbers.size(); ++i) {
      const MixedSample& sample = samples_[static_cast<size_t>(numbers[i])];
      const ImageView view{.bottom = static_cast<double>(sample.shape[0]),
                           .right = static_cast<double>(sample.shape[1]),
                           .height = kSize,
                           .width = kSize,
                           .clipped = false};
      reader.read(sample.view(), view, 3, expected.data());
      EXPECT_TRUE(std::equal(expected.begin(), expected.end(),
                             images.begin() + static_cast<ptrdiff_t>(i * kElements)))
          << numbers[i];
    }
  }

  TemporaryFolder folder_;
  std::vector<MixedSample> samples_;
};

TEST_F(DamagedShards, AreReadWithReplacements) {
  for (const ShardDatasetOptions& options :
       {ShardDatasetOptions{}, ShardDatasetOptions{.cache_bytes = 0},
        ShardDatasetOptions{.by_blocks = true, .cache_blocks = 2}})
    for (const Order order : {Order::sequential, Order::shuffled, Order::blocks})
      for (const int threads : {1, 3}) {
        Loader loader(open(options), cpu(), loader_options(order, threads, OnBadSample::skip));
        std::vector<int64_t> all;
        for (int64_t step = 0; step < loader.steps_per_epoch(); ++step) {
          const Batch batch = loader.next();
          expect_images(batch);
          for (const int64_t sample : batch.samples.to_vector<int64_t>()) all.push_back(sample);
        }
        std::sort(all.begin(), all.end());
        std::vector<int64_t> expected = range(0, kSamples);
        expected[11] = 12;
        expected[30] = 31;
        EXPECT_EQ(all, expected);
        Replaced found = loader.take_replaced();
        EXPECT_EQ(found.count, 2);
        EXPECT_THAT(found.problems,
                    testing::UnorderedElementsAre(
                        AllOf(HasSubstr("train-00000-of-00002.h5"), HasSubstr("sample 11"),
                              HasSubstr("11.img")),
                        AllOf(HasSubstr("train-00001-of-00002.h5"), HasSubstr("sample 0"),
                              HasSubstr("30.img"), HasSubstr("is damaged"))));
      }
}

TEST_F(DamagedShards, EndTheJobWithTheirPlace) {
  Loader loader(open({}), cpu(), loader_options(Order::sequential, 2, OnBadSample::fail));
  loader.next();
  const std::string message = message_of([&] { loader.next(); });
  EXPECT_THAT(message, AllOf(HasSubstr("train-00000-of-00002.h5"), HasSubstr("sample 11"),
                             HasSubstr("11.img")));
  EXPECT_EQ(message.find('\n'), std::string::npos);
}

}  // namespace
}  // namespace d2l::data::test
