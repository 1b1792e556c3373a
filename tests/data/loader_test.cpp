#include "data/loading/loader.h"

#include <atomic>
#include <chrono>

#include "framework/base/timer.h"
#include "tests/data/data_support.h"

namespace d2l::data::test {
namespace {

struct Seen {
  std::vector<uint8_t> inputs;
  std::vector<int64_t> labels;
  int64_t global_size = 0, first_in_global = 0;
  bool operator==(const Seen&) const = default;
};

Seen see(const Batch& batch) {
  return {batch.inputs.to_vector<uint8_t>(), batch.targets.to_vector<int64_t>(), batch.global_size,
          batch.first_in_global};
}

std::vector<Seen> take(Loader& loader, int count) {
  std::vector<Seen> seen;
  for (int i = 0; i < count; ++i) seen.push_back(see(loader.next()));
  return seen;
}

std::shared_ptr<const Dataset> small(int64_t samples) { return small_dataset(samples); }

// Cannot read sample `bad`; counts the visited samples.
class Faulty final : public Dataset {
 public:
  explicit Faulty(int64_t bad) : Dataset(small_dataset(20)->info()), bad_(bad) {}
  mutable std::atomic<int> calls = 0;

 private:
  void visit_samples(std::span<const int64_t> indices, const Visitor& visitor) const override {
    ++calls;
    const std::vector<uint8_t> image(24);
    for (size_t i = 0; i < indices.size(); ++i) {
      if (indices[i] == bad_) throw Error("sample 11 is damaged");
      visitor(i, {.bytes = image, .shape = shape()});
    }
  }
  int64_t label_of(int64_t) const override { return 0; }
  uint64_t content_checksum() const override { return 0; }
  int64_t bad_;
};

TEST(Loader, DeliversWhatTheSamplerAndTheDatasetSay) {
  auto dataset = small(50);
  Loader loader(dataset, cpu(), {.batch_size = 8, .seed = 4});
  EXPECT_EQ(loader.samples(), 50);
  EXPECT_EQ(loader.steps_per_epoch(), 7);
  const Sampler sampler({.samples = 50, .global_batch = 8, .seed = 4});
  for (int64_t epoch = 0; epoch < 3; ++epoch) {
    const std::vector<int64_t> order = sampler.order(epoch);
    for (int64_t step = 0; step < 7; ++step) {
      const Batch batch = loader.next();
      const int64_t count = step < 6 ? 8 : 2;
      ASSERT_EQ(batch.inputs.shape(), (Shape{count, 4, 3, 2}));
      ASSERT_EQ(batch.targets.shape(), (Shape{count}));
      EXPECT_EQ(batch.global_size, count);
      EXPECT_EQ(batch.first_in_global, 0);
      const std::vector<int64_t> wanted(order.begin() + step * 8, order.begin() + step * 8 + count);
      const Content content = content_of(*dataset, wanted);
      EXPECT_EQ(batch.targets.to_vector<int64_t>(), content.labels);
      EXPECT_EQ(batch.samples.to_vector<int64_t>(), wanted);
      EXPECT_EQ(batch.epoch, epoch);
      ASSERT_EQ(batch.inputs.to_vector<uint8_t>(), content.images);
    }
  }
}

TEST(Loader, ResizesEachImage) {
  auto dataset = small(50);
  const Resize resize({4, 3, 2}, {9, 9, 2});
  Loader plain(dataset, cpu(), {.batch_size = 8, .seed = 4});
  for (int threads : {1, 3}) {
    plain.seek(0, 0);
    Loader loader(dataset, cpu(), {.batch_size = 8, .seed = 4, .threads = threads, .resize = 9});
    EXPECT_EQ(loader.sample_shape(), (Shape{9, 9, 2}));
    EXPECT_EQ(loader.dataset().shape(), (Shape{4, 3, 2}));
    Resize::Workspace workspace;
    for (int step = 0; step < 9; ++step) {
      const Batch batch = loader.next(), original = plain.next();
      ASSERT_EQ(batch.inputs.shape(), (Shape{original.inputs.size(0), 9, 9, 2}));
      EXPECT_EQ(see(batch).labels, see(original).labels);
      std::vector<uint8_t> expected(static_cast<size_t>(batch.inputs.elements()));
      for (int64_t i = 0; i < batch.inputs.size(0); ++i)
        resize.apply(original.inputs.data<uint8_t>() + i * 24, expected.data() + i * 162,
                     workspace);
      ASSERT_EQ(see(batch).inputs, expected) << "step " << step;
    }
  }
}

TEST(Loader, ResizedEmptyPartsHaveTheShape) {
  Loader loader(small(2), cpu(), {.batch_size = 2, .rank = 2, .ranks = 3, .resize = 5});
  EXPECT_EQ(loader.next().inputs.shape(), (Shape{0, 5, 5, 2}));
}

TEST(Loader, RanksTogetherSeeTheGlobalBatch) {
  for (int ranks : {2, 3, 12}) {
    Loader whole(small(50), cpu(), {.batch_size = 10, .seed = 1});
    std::vector<std::unique_ptr<Loader>> parts;
    for (int rank = 0; rank < ranks; ++rank)
      parts.push_back(std::make_unique<Loader>(
          small(50), cpu(),
          LoaderOptions{.batch_size = 10, .seed = 1, .rank = rank, .ranks = ranks}));
    for (int step = 0; step < 7; ++step) {
      const Seen expected = see(whole.next());
      Seen joined;
      for (auto& part : parts) {
        const Seen seen = see(part->next());
        EXPECT_EQ(seen.global_size, 10);
        EXPECT_EQ(seen.first_in_global, static_cast<int64_t>(joined.labels.size()));
        joined.inputs.insert(joined.inputs.end(), seen.inputs.begin(), seen.inputs.end());
        joined.labels.insert(joined.labels.end(), seen.labels.begin(), seen.labels.end());
      }
      EXPECT_EQ(joined.labels, expected.labels) << ranks << " ranks, step " << step;
      EXPECT_EQ(joined.inputs, expected.inputs);
    }
  }
}

TEST(Loader, SeekContinuesBitForBit) {
  Loader from_start(small(50), cpu(), {.batch_size = 8, .seed = 2});
  const std::vector<Seen> all = take(from_start, 30);
  Loader loader(small(50), cpu(), {.batch_size = 8, .seed = 2, .threads = 2});
  for (int number : {17, 3, 3, 13, 14, 0, 27}) {
    loader.seek(number / 7, number % 7);
    EXPECT_EQ(take(loader, 3), std::vector<Seen>(all.begin() + number, all.begin() + number + 3))
        << "from batch " << number;
  }
  loader.seek(1, 7);  // the end of an epoch is the beginning of the next
  EXPECT_EQ(see(loader.next()), all[14]);
}

TEST(Loader, SeekRefusesPlacesThatDoNotExist) {
  Loader loader(small(50), cpu(), {.batch_size = 8});
  EXPECT_EQ(message_of([&] { loader.seek(0, 8); }),
            "loader: epoch 0, step 8 does not exist: epochs have 7 steps");
  EXPECT_EQ(message_of([&] { loader.seek(-1, 0); }),
            "loader: epoch -1, step 0 does not exist: epochs have 7 steps");
}

TEST(Loader, ThreadsAndQueueDepthChangeNothing) {
  Loader one(small(301), cpu(), {.batch_size = 4, .queue_depth = 1});
  const std::vector<Seen> expected = take(one, 200);
  for (int threads : {2, 5})
    for (int depth : {1, 3, 16}) {
      Loader several(small(301), cpu(),
                     {.batch_size = 4, .threads = threads, .queue_depth = depth});
      EXPECT_EQ(take(several, 200), expected) << threads << " threads, depth " << depth;
    }
}

TEST(Loader, SequentialOrderForEvaluation) {
  Loader loader(small(5), cpu(), {.batch_size = 3, .order = Order::sequential});
  EXPECT_EQ(see(loader.next()).labels, (std::vector<int64_t>{0, 3, 1}));
  EXPECT_EQ(see(loader.next()).labels, (std::vector<int64_t>{4, 2}));
  EXPECT_EQ(see(loader.next()).labels, (std::vector<int64_t>{0, 3, 1}));
}

TEST(Loader, AnErrorArrivesAtItsBatchAndStays) {
  Loader loader(std::make_shared<Faulty>(11), cpu(),
                {.batch_size = 4, .order = Order::sequential, .threads = 2});
  EXPECT_EQ(loader.next().inputs.size(0), 4);
  EXPECT_EQ(loader.next().inputs.size(0), 4);
  EXPECT_EQ(message_of([&] { loader.next(); }), "sample 11 is damaged");
  EXPECT_EQ(message_of([&] { loader.next(); }), "sample 11 is damaged");
  loader.seek(0, 3);
  EXPECT_EQ(loader.next().inputs.size(0), 4);
}

TEST(Loader, WorksAheadByTheQueueDepthAndNoFurther) {
  auto dataset = std::make_shared<Faulty>(-1);
  Loader loader(dataset, cpu(), {.batch_size = 2, .threads = 2, .queue_depth = 3});
  Timer timer;
  while (dataset->calls < 3 && timer.seconds() < 10) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(dataset->calls, 3);
  loader.next();
  while (dataset->calls < 4 && timer.seconds() < 10) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(dataset->calls, 4);
}

TEST(Loader, StopsAtAnyMoment) {
  for (int i = 0; i < 200; ++i) {
    Loader loader(small(64), cpu(), {.batch_size = 16, .threads = 3});
    if (i % 2) loader.next();
    if (i % 3 == 0) loader.seek(5, 1);
  }
}

TEST(Loader, SteadyStateAsksTheSystemForNoTensorMemory) {
  constexpr int kDepth = 3;
  const uint64_t before = cpu().pool().stats().system_allocations;
  Loader loader(small(64), cpu(), {.batch_size = 16, .queue_depth = kDepth});
  for (int i = 0; i < 500; ++i) loader.next();
  // images, labels and numbers of the waiting batches, the one in work and the one returned last
  EXPECT_LE(cpu().pool().stats().system_allocations - before, 3U * (kDepth + 2));
}

TEST(Loader, RefusesOptionsThatMakeNoSense) {
  EXPECT_EQ(message_of([] { Loader(small(4), cpu(), {.threads = 0}); }),
            "loader: expected 1 to 256 threads, found 0");
  EXPECT_EQ(message_of([] { Loader(small(4), cpu(), {.queue_depth = 0}); }),
            "loader: expected a queue depth of at least 1, found 0");
  EXPECT_EQ(message_of([] { Loader(small(4), cpu(), {.batch_size = 0}); }),
            "sampler: expected a batch of at least 1, found 0");
  EXPECT_EQ(message_of([] { Loader(small(4), cpu(), {.resize = -1}); }),
            "loader: expected a size of at least 1 to resize to, or 0, found -1");
}

}  // namespace
}  // namespace d2l::data::test
