#include "data/loading/loader.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>

#include "data/transform/resize.h"
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

// 50 samples in blocks of 6.
class InBlocks final : public Dataset {
 public:
  InBlocks() : InBlocks(small_dataset(50)) {}
  std::vector<int64_t> blocks() const override { return {0, 6, 12, 18, 24, 30, 36, 42, 48}; }

 private:
  explicit InBlocks(std::unique_ptr<MemoryDataset> source)
      : Dataset(source->info()), source_(std::move(source)) {}
  void visit_samples(std::span<const int64_t> indices, const Visitor& visitor) const override {
    source_->visit(indices, visitor);
  }
  int64_t label_of(int64_t) const override { return 0; }
  uint64_t content_checksum() const override { return 0; }

  std::unique_ptr<MemoryDataset> source_;
};

TEST(Loader, DeliversWhatTheSamplerAndTheDatasetSay) {
  auto dataset = small(50);
  Loader loader(dataset, cpu(), {.batch_size = 8, .seed = 4});
  EXPECT_EQ(loader.samples(), 50);
  EXPECT_EQ(loader.steps_per_epoch(), 7);
  const Sampler sampler({.samples = 50, .global_batch = 8, .seed = 4});
  for (int64_t epoch = 0; epoch < 3; ++epoch) {
    std::vector<int64_t> order(50);
    sampler.order(epoch)->read(0, order);
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
    Loader loader(
        dataset, cpu(),
        {.batch_size = 8, .seed = 4, .threads = threads, .pipeline = Pipeline().resized(9)});
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
  Loader loader(small(2), cpu(),
                {.batch_size = 2, .rank = 2, .ranks = 3, .pipeline = Pipeline().resized(5)});
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

// Notes who visits which samples; each visit waits until `wanted` threads visit at the same time.
class Meeting final : public Dataset {
 public:
  explicit Meeting(int wanted) : Dataset(small_dataset(640)->info()), wanted_(wanted) {}
  std::vector<int64_t> largest_sample_of_first_visits() const {
    std::lock_guard lock(mutex_);
    return {largest_.begin(), largest_.begin() + wanted_};
  }

 private:
  void visit_samples(std::span<const int64_t> indices, const Visitor& visitor) const override {
    const std::vector<uint8_t> image(24);
    {
      std::unique_lock lock(mutex_);
      largest_.push_back(*std::max_element(indices.begin(), indices.end()));
      met_.notify_all();
      met_.wait_for(lock, std::chrono::seconds(10),
                    [&] { return largest_.size() >= static_cast<size_t>(wanted_); });
    }
    for (size_t i = 0; i < indices.size(); ++i) visitor(i, {.bytes = image, .shape = shape()});
  }
  int64_t label_of(int64_t) const override { return 0; }
  uint64_t content_checksum() const override { return 0; }

  int wanted_;
  mutable std::mutex mutex_;
  mutable std::condition_variable met_;
  mutable std::vector<int64_t> largest_;
};

TEST(Loader, AllThreadsReadTheFirstBatchFirst) {
  auto dataset = std::make_shared<Meeting>(4);
  Loader loader(dataset, cpu(), {.batch_size = 64, .order = Order::sequential, .threads = 4});
  Timer timer;
  loader.next();
  EXPECT_LT(timer.seconds(), 9);
  for (const int64_t largest : dataset->largest_sample_of_first_visits()) EXPECT_LT(largest, 64);
}

TEST(Loader, TheQueueIsLimitedInBytes) {
  constexpr uint64_t kSample = 24 + 2 * sizeof(int64_t), kBatch = 32 * kSample;
  const auto in_use = [] { return cpu().pool().stats().bytes_in_use; };
  for (const uint64_t batches : {0, 1, 3}) {
    const uint64_t before = in_use();
    Loader loader(small(640), cpu(),
                  {.batch_size = 32, .threads = 3, .queue_bytes = batches * kBatch + kBatch / 2});
    const uint64_t most = std::max<uint64_t>(batches, 1) * kBatch;
    EXPECT_EQ(loader.batch_bytes(), most + 2 * kBatch);
    uint64_t found = 0;
    for (int i = 0; i < 100; ++i) {
      if (i % 10 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
      // The pool rounds the three tensors of a batch up.
      found = std::max(found, in_use() - before);
      loader.next();
    }
    EXPECT_LE(found, most + (batches + 1) * 3 * 64) << batches;
    EXPECT_GE(found, most) << batches;
  }
}

TEST(Loader, ANewEvaluationContinuesWithTheBatchesInTheQueue) {
  auto dataset = std::make_shared<Faulty>(-1);
  Loader loader(dataset, cpu(), {.batch_size = 4, .order = Order::sequential, .queue_depth = 2});
  for (int evaluation = 0; evaluation < 3; ++evaluation) {
    loader.seek(0, 0);
    for (int64_t step = 0; step < 5; ++step) {
      const Batch batch = loader.next();
      EXPECT_EQ(batch.samples.to_vector<int64_t>(), range(4 * step, 4 * step + 4));
      EXPECT_EQ(batch.epoch, 0);
    }
  }
  EXPECT_LE(dataset->calls, 3 * 5 + 2);
  loader.seek(0, 2);
  EXPECT_EQ(loader.next().samples.to_vector<int64_t>(), range(8, 12));
}

TEST(Loader, BlocksGiveTheSameBatchesForAllRanksAndThreads) {
  const auto with = [](int rank, int ranks, int threads) {
    return LoaderOptions{.batch_size = 8,
                         .seed = 2,
                         .order = Order::blocks,
                         .rank = rank,
                         .ranks = ranks,
                         .threads = threads};
  };
  const auto dataset = std::make_shared<InBlocks>();
  Loader whole(dataset, cpu(), with(0, 1, 1));
  const std::vector<Seen> all = take(whole, 30);
  Loader threads(dataset, cpu(), with(0, 1, 3));
  threads.seek(1, 2);  // in the middle of an epoch
  EXPECT_EQ(take(threads, 20), std::vector<Seen>(all.begin() + 9, all.begin() + 29));
  for (int ranks : {2, 3, 4, 7}) {
    std::vector<Seen> joined(30);
    for (int rank = 0; rank < ranks; ++rank) {
      Loader part(dataset, cpu(), with(rank, ranks, 2));
      const std::vector<Seen> seen = take(part, 30);
      for (size_t i = 0; i < seen.size(); ++i) {
        auto& [inputs, labels, global_size, first] = joined[i];
        inputs.insert(inputs.end(), seen[i].inputs.begin(), seen[i].inputs.end());
        labels.insert(labels.end(), seen[i].labels.begin(), seen[i].labels.end());
        global_size = seen[i].global_size;
      }
    }
    EXPECT_EQ(joined, all) << ranks << " ranks";
  }
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
}

}  // namespace
}  // namespace d2l::data::test
