#include "data/loading/sample_pairs.h"

#include "data/loading/loader.h"
#include "tests/data/data_support.h"

namespace d2l::data::test {
namespace {

// A sample of a global batch with everything that it is mixed from.
struct SeenSample {
  int64_t sample = 0, label = 0, partner = 0, partner_label = 0;
  float weight = 0;
  std::vector<int64_t> rectangle;
  std::vector<uint8_t> image, partner_image;
  bool operator==(const SeenSample&) const = default;
};

std::vector<SeenSample> seen_in(const Batch& batch) {
  const auto samples = batch.samples.to_vector<int64_t>();
  const auto images = batch.inputs.to_vector<uint8_t>();
  const auto labels = batch.targets.to_vector<int64_t>();
  const auto numbers = batch.pairs.numbers.to_vector<int64_t>();
  const auto others = batch.pairs.targets.to_vector<int64_t>();
  const auto weights = batch.pairs.weights.to_vector<float>();
  EXPECT_EQ(std::ssize(samples), batch.inputs.size(0));
  const auto image = [&](int64_t row) {
    return std::vector<uint8_t>(images.begin() + row * 24, images.begin() + (row + 1) * 24);
  };
  std::vector<SeenSample> seen;
  for (size_t i = 0; i < labels.size(); ++i) {
    const auto row = numbers.begin() + static_cast<ptrdiff_t>(5 * i);
    seen.push_back({.sample = samples[i],
                    .label = labels[i],
                    .partner = samples[static_cast<size_t>(row[0])],
                    .partner_label = others[i],
                    .weight = weights[i],
                    .rectangle = {row + 1, row + 5},
                    .image = image(static_cast<int64_t>(i)),
                    .partner_image = image(row[0])});
  }
  return seen;
}

struct Case {
  int64_t samples, batch;
};

// The global batches of two epochs.
std::vector<std::vector<SeenSample>> global_batches(const Case& of, int ranks, int threads,
                                                    Order order) {
  std::vector<std::vector<SeenSample>> batches;
  for (int rank = 0; rank < ranks; ++rank) {
    Loader loader(small_dataset(of.samples), cpu(),
                  {.batch_size = of.batch,
                   .seed = 5,
                   .order = order,
                   .rank = rank,
                   .ranks = ranks,
                   .threads = threads,
                   .pipeline = Pipeline::parse("flip 0.5, mixup 0.4, cutmix 1")});
    batches.resize(static_cast<size_t>(2 * loader.steps_per_epoch()));
    for (std::vector<SeenSample>& batch : batches)
      for (SeenSample& sample : seen_in(loader.next())) batch.push_back(std::move(sample));
  }
  return batches;
}

TEST(SamplePairs, DoNotDependOnRanksOrThreads) {
  for (const Case& of : {Case{50, 8}, {51, 8}, {49, 7}, {20, 5}, {3, 3}, {40, 37}})
    for (const Order order : {Order::shuffled, Order::blocks}) {
      const auto whole = global_batches(of, 1, 1, order);
      for (const int ranks : {2, 3, 4, 5})
        EXPECT_EQ(global_batches(of, ranks, ranks % 2 + 1, order), whole)
            << of.samples << " " << of.batch << " " << ranks;
    }
}

TEST(SamplePairs, AreNeighboursInTheGlobalBatch) {
  const auto dataset = small_dataset(51);
  for (const auto& batch : global_batches({51, 7}, 3, 1, Order::shuffled))
    for (size_t i = 0; i < batch.size(); ++i) {
      const SeenSample& seen = batch[i];
      const SeenSample& other = batch[std::min(i ^ 1, batch.size() - 1)];
      EXPECT_EQ(seen.partner, other.sample);
      EXPECT_EQ(seen.partner_label, other.label);
      EXPECT_EQ(seen.partner_image, other.image);
      EXPECT_EQ(seen.weight, other.weight);
      EXPECT_EQ(seen.rectangle, other.rectangle);
      EXPECT_EQ(seen.image, content_of(*dataset, {seen.sample}).images);
      if (&seen == &other) {
        EXPECT_EQ(seen.weight, 1);
      }
    }
}

TEST(SamplePairs, DifferBetweenEpochsAndSeeds) {
  const auto of = [](uint64_t seed, int64_t epoch) {
    Loader loader(small_dataset(2), cpu(),
                  {.batch_size = 2, .seed = seed, .pipeline = Pipeline::parse("mixup 1")});
    loader.seek(epoch, 0);
    return loader.next().pairs.weights.to_vector<float>()[0];
  };
  EXPECT_EQ(of(1, 0), of(1, 0));
  EXPECT_NE(of(1, 0), of(1, 1));
  EXPECT_NE(of(1, 0), of(2, 0));
}

TEST(SamplePairs, OnlyWithAStepThatMixes) {
  Loader loader(small_dataset(9), cpu(), {.batch_size = 3, .rank = 1, .ranks = 2});
  const Batch batch = loader.next();
  EXPECT_FALSE(batch.pairs.defined());
  EXPECT_EQ(batch.inputs.size(0), batch.size());
}

}  // namespace
}  // namespace d2l::data::test
