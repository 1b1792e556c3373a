#include "framework/train/trainer.h"

#include <gmock/gmock.h>

#include "framework/nn/layers.h"
#include "framework/tensor/create.h"
#include "tests/support/support.h"

namespace d2l::test {
namespace {

using testing::HasSubstr;

// Two batches of noise, with labels that can only be learnt by heart.
class TwoBatches final : public BatchSource {
 public:
  static constexpr int64_t kBatch = 16;

  TwoBatches() {
    for (uint64_t i = 0; i < 2; ++i) {
      std::vector<int64_t> labels(kBatch);
      for (size_t j = 0; j < labels.size(); ++j)
        labels[j] = static_cast<int64_t>(random_below({7, i}, j, 4));
      batches_[i] = {.inputs = uniform(cpu(), {kBatch, 8, 8, 1}, {.seed = 5, .stream = i}),
                     .labels = from_vector(cpu(), {kBatch}, labels),
                     .global_size = kBatch,
                     .first_in_global = 0};
    }
  }
  int64_t samples() const override { return 2 * kBatch; }
  int64_t steps_per_epoch() const override { return 2; }
  void seek(int64_t epoch, int64_t step) override { next_ = 2 * epoch + step; }
  Batch next() override { return batches_[next_++ % 2]; }
  Batch& batch(size_t i) { return batches_[i]; }

 private:
  Batch batches_[2];
  int64_t next_ = 0;
};

class TrainerTest : public testing::Test {
 protected:
  TrainerTest() {
    model.then_named<nn::Conv2d>("conv", 1, 4, nn::Conv2d::Options{.kernel = 3, .padding = 1})
        .then_named<nn::BatchNorm>("norm", 4)
        .then<nn::Activate>(Activation::relu)
        .then<nn::Pool2d>(Pooling::max, 2, 2)
        .then<nn::Flatten>()
        .then<nn::Dropout>(0.1)
        .then_named<nn::Linear>("output", 64, 4);
    parameters.emplace(model, cpu(), 0);
    optimizer = make_sgd(*parameters, {.momentum = 0.9});
  }
  Trainer trainer(const TrainerOptions& options) {
    return {{.model = model,
             .parameters = *parameters,
             .optimizer = *optimizer,
             .comm = *comm,
             .train_data = train_data,
             .test_data = test_data,
             .log = log},
            options};
  }

  nn::Sequential model;
  std::optional<nn::ParameterSet> parameters;
  std::unique_ptr<Optimizer> optimizer;
  std::unique_ptr<Communicator> comm = make_self_communicator();
  TwoBatches train_data, test_data;
  Log log{true};
};

TEST_F(TrainerTest, LearnsWhatItSeesByHeart) {
  TrainerReport report = trainer({.epochs = 150, .lr = 0.05}).run();
  ASSERT_EQ(report.losses.size(), 300u);
  EXPECT_GT(report.losses[0], 1);
  EXPECT_LT(report.loss, 0.15);
  EXPECT_GT(report.train_accuracy, 0.95);
  EXPECT_EQ(report.test_accuracy, 1);
}

// The whole step: model, loss, gradients, optimizer. What is asked for is asked from the pool.
TEST_F(TrainerTest, AStepInTheSteadyStateAsksTheSystemForNothing) {
  trainer({.max_steps = 4, .lr = 0.05}).run();
  const MemoryPool::Stats before = cpu().pool().stats();
  TrainerReport report = trainer({.epochs = 40, .eval_every = 1000, .lr = 0.05}).run();
  const MemoryPool::Stats after = cpu().pool().stats();
  EXPECT_EQ(report.losses.size(), 80u);
  EXPECT_EQ(after.system_allocations, before.system_allocations);
  EXPECT_EQ(after.bytes_in_use, before.bytes_in_use);
}

TEST_F(TrainerTest, StopsAtMaxStepsAndEvaluatesThere) {
  Trainer limited = trainer({.epochs = 10, .max_steps = 3, .lr = 0.05});
  TrainerReport report = limited.run();
  EXPECT_EQ(report.losses.size(), 3u);
  EXPECT_EQ(limited.position().step, 3);
  EXPECT_EQ(limited.position().epoch, 1);
  EXPECT_EQ(limited.position().step_in_epoch, 1);
  EXPECT_EQ(limited.position().evaluated_step, 2);  // the end of the first epoch
  EXPECT_GT(report.test_accuracy, 0);
  EXPECT_NEAR(report.loss, report.losses[2], 1e-6);  // of the epoch that is under way
}

TEST_F(TrainerTest, SaysWhereTheLossWentAstray) {
  train_data.batch(1).inputs = full(cpu(), {16, 8, 8, 1}, std::nan(""));
  Trainer astray = trainer({.epochs = 1, .lr = 0.05});
  EXPECT_THAT(message_of([&] { astray.run(); }), HasSubstr("step 2: the loss is nan"));
}

}  // namespace
}  // namespace d2l::test
