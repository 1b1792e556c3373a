#include "framework/train/trainer.h"

#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "framework/base/files.h"
#include "framework/nn/layers.h"
#include "framework/tensor/create.h"
#include "framework/tensor/elementwise.h"
#include "framework/train/evaluate.h"
#include "framework/train/objectives/classification.h"
#include "tests/support/support.h"

namespace d2l::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// Two batches of noise, with labels that can only be memorised.
class TwoBatches final : public BatchSource {
 public:
  static constexpr int64_t kBatch = 16;

  TwoBatches() {
    for (uint64_t i = 0; i < 2; ++i) {
      std::vector<int64_t> labels(kBatch);
      for (size_t j = 0; j < labels.size(); ++j)
        labels[j] = static_cast<int64_t>(random_below({7, i}, j, 4));
      batches_[i] = {.inputs = uniform(device(), {kBatch, 8, 8, 1}, {.seed = 5, .stream = i}),
                     .targets = from_vector(device(), {kBatch}, labels),
                     .global_size = kBatch,
                     .first_in_global = 0};
    }
  }
  int64_t samples() const override { return 2 * kBatch; }
  int64_t steps_per_epoch() const override { return 2; }
  int64_t largest_part() const override { return kBatch; }
  void seek(int64_t epoch, int64_t step) override { next_ = 2 * epoch + step; }
  Batch next() override { return batches_[next_++ % 2]; }
  Batch& batch(size_t i) { return batches_[i]; }
  int64_t given() const { return next_; }

 private:
  Batch batches_[2];
  std::atomic<int64_t> next_ = 0;
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
    parameters.emplace(model, device(), 0);
    optimizer = make_sgd(*parameters, {.momentum = 0.9});
  }
  Trainer trainer(const TrainerOptions& options) {
    return {{.model = model,
             .objective = *objective,
             .parameters = *parameters,
             .optimizer = *optimizer,
             .comm = *comm,
             .train_data = train_data,
             .test_data = has_tests ? &test_data : nullptr,
             .log = log},
            options};
  }

  Evaluation test_evaluation(int64_t pieces = 1) {
    return evaluate({.model = model,
                     .objective = *objective,
                     .data = test_data,
                     .backend = device(),
                     .comm = *comm,
                     .pieces = pieces});
  }

  nn::Sequential model;
  std::unique_ptr<Objective> objective = make_classification(device(), {.classes = 4});
  std::optional<nn::ParameterSet> parameters;
  std::unique_ptr<Optimizer> optimizer;
  std::unique_ptr<Communicator> comm = make_self_communicator();
  TwoBatches train_data, test_data;
  bool has_tests = true;
  Log log{true};
};

TEST_F(TrainerTest, LearnsWhatItSeesByHeart) {
  TrainerReport report = trainer({.epochs = 90, .schedule = {.lr = 0.1}}).run();
  ASSERT_EQ(report.losses.size(), 180u);
  EXPECT_GT(report.losses[0], 1);
  EXPECT_LT(report.loss, 0.15);
  EXPECT_GT(report.train[0], 0.95);
  EXPECT_EQ(report.test[0], 1);
}

// The save of step 4 lasts until the batch of step 8 is requested.
TEST_F(TrainerTest, StepsDoNotWaitForASave) {
  TemporaryFolder folder;
  bool waited_in_vain = false;
  const auto wait = [&] {
    for (int i = 0; i < 1000 && train_data.given() < 8; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    waited_in_vain = waited_in_vain || train_data.given() < 8;
  };
  CheckpointStore store(folder.path(), {.check_held = wait});
  Trainer saving =
      trainer({.max_steps = 9, .save_every = 4, .eval_every = 1000, .schedule = {.lr = 0.05}});
  saving.set_files(&store, nullptr);
  EXPECT_TRUE(saving.run().saved);
  EXPECT_FALSE(waited_in_vain);
}

// The whole step: model, loss, gradients, optimizer. All memory comes from the pool.
TEST_F(TrainerTest, AStepInTheSteadyStateAsksTheSystemForNothing) {
  trainer({.max_steps = 4, .schedule = {.lr = 0.05}}).run();
  const MemoryPool::Stats before = device().pool().stats();
  TrainerReport report =
      trainer({.epochs = 40, .eval_every = 1000, .schedule = {.lr = 0.05}}).run();
  const MemoryPool::Stats after = device().pool().stats();
  EXPECT_EQ(report.losses.size(), 80u);
  EXPECT_EQ(after.system_allocations, before.system_allocations);
  EXPECT_EQ(after.bytes_in_use, before.bytes_in_use);
}

TEST_F(TrainerTest, StopsAtMaxStepsAndEvaluatesThere) {
  Trainer limited = trainer({.epochs = 10, .max_steps = 3, .schedule = {.lr = 0.05}});
  TrainerReport report = limited.run();
  EXPECT_EQ(report.losses.size(), 3u);
  EXPECT_EQ(limited.state().position.step, 3);
  EXPECT_EQ(limited.state().position.epoch, 1);
  EXPECT_EQ(limited.state().position.step_in_epoch, 1);
  EXPECT_EQ(limited.state().position.evaluated_step, 2);  // the end of the first epoch
  EXPECT_GT(report.test[0], 0);
  EXPECT_NEAR(report.loss, report.losses[2], 1e-6);  // of the current epoch
}

TEST_F(TrainerTest, SaysWhereTheLossWentAstray) {
  train_data.batch(1).inputs = full(device(), {16, 8, 8, 1}, std::nan(""));
  Trainer astray = trainer({.epochs = 1, .schedule = {.lr = 0.05}});
  EXPECT_THAT(message_of([&] { astray.run(); }), HasSubstr("step 2: the loss is nan"));
}

TEST_F(TrainerTest, WithoutTestDataNothingIsEvaluatedAndEachEpochIsSaved) {
  has_tests = false;
  TemporaryFolder folder;
  CheckpointStore store(folder.path(), {});
  MetricsFile metrics(folder.path() / "metrics.csv", MetricsFile::header({"accuracy"}) + "\n", {});
  Trainer trained = trainer({.epochs = 3, .log_every = 2, .schedule = {.lr = 0.05}});
  trained.set_files(&store, &metrics);
  const TrainerReport report = trained.run();
  EXPECT_TRUE(report.test.empty());
  EXPECT_EQ(report.train.size(), 1u);
  EXPECT_TRUE(report.saved);
  EXPECT_EQ(test_data.given(), 0);
  EXPECT_THAT(CheckpointStore::steps(folder.path()), testing::ElementsAre(2, 4, 6));
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "best.h5"));
  const std::string rows = read_text_file(folder.path() / "metrics.csv");
  EXPECT_THAT(rows, testing::MatchesRegex("step,[^\n]*,test_loss,test_accuracy,run\n"
                                          "(2|4|6)(,[^,\n]+){7},,,\n.*"));
  EXPECT_EQ(std::count(rows.begin(), rows.end(), '\n'), 4);

  const Snapshot saved = CheckpointStore::read(store.path_of(6)).snapshot;
  EXPECT_EQ(saved.integers.at("progress/evaluated_step"), -1);
  Trainer resumed = trainer({.epochs = 4, .schedule = {.lr = 0.05}});
  resumed.restore(saved, "step 6");
  EXPECT_EQ(resumed.run().losses.size(), 2u);
}

// The identity with an infinite gradient.
class Explosion final : public nn::Module {
 public:
  Variable forward(const Variable& x, const nn::Context&) override {
    return Variable::result(x.value(), {x}, [x](const Tensor& grad) {
      x.contribute(full(grad.backend(), grad.shape(), std::numeric_limits<double>::infinity()));
    });
  }
};

TEST_F(TrainerTest, SaysWhereTheGradientWentAstray) {
  model.then<Explosion>();
  Trainer astray = trainer({.schedule = {.lr = 0.05}, .step = {.clip_norm = 1}});
  const std::string message = message_of([&] { astray.run(); });
  EXPECT_THAT(message, HasSubstr("step 1: the gradient's norm is "));
  EXPECT_THAT(message, HasSubstr("lower the learning rate (now 0.05)"));
}

// No evaluation and no further step tells that the state is unusable.
TEST_F(TrainerTest, WithoutTestDataALastStepThatIsNotFiniteIsNotSaved) {
  has_tests = false;
  TemporaryFolder folder;
  CheckpointStore store(folder.path(), {});
  model.then<Explosion>();
  Trainer astray = trainer({.max_steps = 1, .save_every = 1, .schedule = {.lr = 0.05}});
  astray.set_files(&store, nullptr);
  EXPECT_THAT(
      message_of([&] { astray.run(); }),
      HasSubstr("step 1: optimizer/velocity/conv.bias has elements that are not finite: the run "
                "has diverged; no checkpoint was saved before"));
  EXPECT_THAT(CheckpointStore::steps(folder.path()), testing::IsEmpty());
}

// The state of each step is confirmed by the loss of the next one.
TEST_F(TrainerTest, WithoutTestDataADivergenceIsFoundInTheNextStep) {
  has_tests = false;
  TemporaryFolder folder;
  CheckpointStore store(folder.path(), {});
  Trainer astray = trainer(
      {.epochs = 3,
       .save_every = 1,
       .schedule = {.kind = Schedule::Kind::step, .lr = 1e-3, .gamma = 1e30, .step_every = 3}});
  astray.set_files(&store, nullptr);
  EXPECT_THAT(message_of([&] { astray.run(); }),
              AllOf(HasSubstr("step 5: the loss is "),
                    HasSubstr("nan; lower the learning rate (now 1e+27); continue from the last "
                              "good checkpoint, step 3")));
  EXPECT_THAT(CheckpointStore::steps(folder.path()), testing::ElementsAre(1, 2, 3));
}

TEST_F(TrainerTest, EvaluatesInPieces) {
  trainer({.epochs = 5, .schedule = {.lr = 0.05}}).run();
  const Evaluation whole = test_evaluation();
  for (int64_t pieces : {3, 100}) {
    EXPECT_NEAR(test_evaluation(pieces).loss, whole.loss, 1e-5);
    EXPECT_EQ(test_evaluation(pieces).metrics, whole.metrics);
  }
}

// Dropout but no normalisation, whose statistics would be those of the pieces.
class AccumulationTest : public testing::Test {
 protected:
  // The parameters after ten steps.
  std::vector<float> train(int64_t accumulate, int64_t samples = TwoBatches::kBatch) {
    nn::Sequential model;
    model.then<nn::Conv2d>(1, 4, nn::Conv2d::Options{.kernel = 3, .padding = 1})
        .then<nn::Pool2d>(Pooling::max, 2, 2)
        .then<nn::Flatten>()
        .then<nn::Dropout>(0.3)
        .then<nn::Linear>(64, 4);
    nn::ParameterSet parameters(model, device(), 0);
    auto optimizer = make_sgd(parameters, {.momentum = 0.9});
    auto objective = make_classification(device(), {.classes = 4});
    auto comm = make_self_communicator();
    TwoBatches train_data, test_data;
    for (size_t i = 0; i < 2; ++i) {
      Batch& batch = train_data.batch(i);
      batch.inputs = batch.inputs.rows(0, samples);
      batch.targets = batch.targets.rows(0, samples);
    }
    Log log{true};
    Trainer trainer({.model = model,
                     .objective = *objective,
                     .parameters = parameters,
                     .optimizer = *optimizer,
                     .comm = *comm,
                     .train_data = train_data,
                     .test_data = &test_data,
                     .log = log},
                    {.epochs = 5, .schedule = {.lr = 0.05}, .step = {.accumulate = accumulate}});
    report = trainer.run();
    return parameters.values().to_vector<float>();
  }
  TrainerReport report;
};

TEST_F(AccumulationTest, EqualsTheWholeBatch) {
  const std::vector<float> whole = train(1);
  const TrainerReport of_whole = report;
  for (int64_t pieces : {2, 3, 16, 100}) {
    const std::vector<float> found = train(pieces);
    for (size_t i = 0; i < whole.size(); ++i)
      ASSERT_NEAR(found[i], whole[i], 1e-5) << pieces << " pieces, element " << i;
    ASSERT_EQ(report.losses.size(), 10u);
    for (size_t i = 0; i < 10; ++i) EXPECT_NEAR(report.losses[i], of_whole.losses[i], 1e-5);
    EXPECT_EQ(report.train[0], of_whole.train[0]);
  }
}

TEST_F(AccumulationTest, AnEmptyPartOfABatchDoesNoHarm) { EXPECT_EQ(train(4, 0), train(1, 0)); }

TEST_F(TrainerTest, ClipsTheGradient) {
  const std::vector<float> before = parameters->values().to_vector<float>();
  auto plain = make_sgd(*parameters, {});
  Trainer clipped({.model = model,
                   .objective = *objective,
                   .parameters = *parameters,
                   .optimizer = *plain,
                   .comm = *comm,
                   .train_data = train_data,
                   .test_data = &test_data,
                   .log = log},
                  {.max_steps = 1, .schedule = {.lr = 1}, .step = {.clip_norm = 0.01}});
  clipped.run();
  const std::vector<float> after = parameters->values().to_vector<float>();
  double moved = 0;
  for (size_t i = 0; i < before.size(); ++i)
    moved += std::pow(static_cast<double>(after[i] - before[i]), 2);
  EXPECT_NEAR(std::sqrt(moved), 0.01, 1e-5);
}

// All options of a step, on batches of two sizes.
TEST_F(TrainerTest, RecordedStepsAreTheSame) {
  std::vector<double> losses[2];
  std::vector<float> values[2], buffers[2];
  Batch& last = train_data.batch(1);
  last = {
      .inputs = last.inputs.rows(0, 11), .targets = last.targets.rows(0, 11), .global_size = 11};
  const Tensor first = parameters->values().clone(), first_buffers = parameters->buffers().clone();
  for (int record : {0, 1}) {
    parameters->values().copy_from(first);
    parameters->buffers().copy_from(first_buffers);
    optimizer = make_adam(*parameters, {});
    objective = make_classification(device(), {.classes = 4, .label_smoothing = 0.1});
    TrainerReport report =
        trainer({.epochs = 12,
                 .eval_every = 5,
                 .schedule = {.kind = Schedule::Kind::cosine, .lr = 0.01, .steps = 24},
                 .ema = 0.9,
                 .step = {.accumulate = 2, .clip_norm = 0.5, .record = record == 1}})
            .run();
    losses[record] = report.losses;
    values[record] = parameters->values().to_vector<float>();
    buffers[record] = parameters->buffers().to_vector<float>();
  }
  EXPECT_EQ(losses[0], losses[1]);
  EXPECT_EQ(values[0], values[1]);
  EXPECT_EQ(buffers[0], buffers[1]);
}

TEST_F(TrainerTest, SmoothedLabelsInTrainingOnly) {
  objective = make_classification(device(), {.classes = 4, .label_smoothing = 0.4});
  TrainerReport report = trainer({.epochs = 40, .schedule = {.lr = 0.1}}).run();
  // No loss is below the entropy of the smoothed labels: .7 and three times .1.
  EXPECT_GT(report.loss, 0.94);
  EXPECT_LT(report.loss, 1.2);
  EXPECT_EQ(report.test[0], 1);
  EXPECT_LT(test_evaluation().loss, 0.7);
}

TEST_F(TrainerTest, FrozenParametersStayAndTheRestLearns) {
  parameters->freeze({"conv.*", "norm.*"});
  optimizer = make_sgd(*parameters, {.momentum = 0.9, .weight_decay = 0.01});
  const Tensor before = parameters->values().clone(), buffers = parameters->buffers().clone();
  TrainerReport report = trainer({.epochs = 100, .schedule = {.lr = 0.05}}).run();
  EXPECT_LT(report.loss, 0.8 * report.losses[0]);
  for (size_t i = 0; i < parameters->slots().size(); ++i) {
    const bool same = parameters->part(before, i).to_vector<float>() ==
                      parameters->part(parameters->values(), i).to_vector<float>();
    EXPECT_EQ(same, parameters->slots()[i].frozen) << parameters->slots()[i].name;
  }
  EXPECT_TRUE(close(parameters->buffers(), buffers, 0, 0));
}

// Also if the run is interrupted and resumed, before that step, at it, or later.
TEST_F(TrainerTest, UnfreezesAfterTheGivenStep) {
  const Tensor start = parameters->values().clone(), buffers = parameters->buffers().clone();
  std::unique_ptr<Trainer> training;
  const auto begin = [&] {
    training.reset();
    parameters->unfreeze();
    parameters->freeze({"conv.*", "norm.*"});
    optimizer = make_adam(*parameters, {});
    training.reset(new Trainer(trainer({.unfreeze_after = 5, .schedule = {.lr = 0.01}})));
  };
  const auto state_after = [&](const std::vector<int64_t>& pieces) {
    parameters->values().copy_from(start);
    parameters->buffers().copy_from(buffers);
    begin();
    train_data.seek(0, 0);
    for (const int64_t steps : pieces) {
      training->advance(steps);
      const Snapshot snapshot = *training->state().snapshot(*comm);
      begin();
      training->restore(snapshot, "file");
    }
    return training->state().checksum();
  };
  const uint64_t expected = state_after({12});
  for (const auto& pieces : {std::vector<int64_t>{4, 8}, {5, 7}, {6, 6}, {2, 1, 2, 3, 4}})
    EXPECT_EQ(state_after(pieces), expected);
  const auto changed = [&] {
    return !close(parameters->buffers(), buffers, 0, 0);  // of the frozen batch norm
  };
  state_after({5});
  EXPECT_FALSE(changed());
  state_after({6});
  EXPECT_TRUE(changed());
}

// Records the result of every step.
class Recording final : public Optimizer {
 public:
  explicit Recording(nn::ParameterSet& set) : set_(set), inner_(make_sgd(set, {})) {}
  void step(double lr) override {
    inner_->step(lr);
    values.push_back(set_.values().clone());
    buffers.push_back(set_.buffers().clone());
  }
  void follow_freezing() override { inner_->follow_freezing(); }
  void visit(StateVisitor&) override {}
  std::vector<Tensor> values, buffers;

 private:
  nn::ParameterSet& set_;
  std::unique_ptr<Optimizer> inner_;
};

double last_test_loss(const std::filesystem::path& metrics) {
  const std::string text = read_text_file(metrics);
  const size_t run = text.rfind(','), accuracy = text.rfind(',', run - 1);
  return std::stod(text.substr(text.rfind(',', accuracy - 1) + 1));
}

TEST_F(TrainerTest, EvaluatesAveragedWeights) {
  TemporaryFolder folder;
  MetricsFile metrics(folder.path() / "metrics.csv", "", {});
  Tensor values = parameters->values().clone(), buffers = parameters->buffers().clone();
  Recording recording(*parameters);
  Trainer averaging({.model = model,
                     .objective = *objective,
                     .parameters = *parameters,
                     .optimizer = recording,
                     .comm = *comm,
                     .train_data = train_data,
                     .test_data = &test_data,
                     .log = log},
                    {.epochs = 3, .log_every = 0, .schedule = {.lr = 0.3}, .ema = 0.4});
  averaging.set_files(nullptr, &metrics);
  averaging.run();
  EXPECT_TRUE(close(parameters->values(), recording.values.back(), 0, 0)) << "as if without";
  const double found = last_test_loss(folder.path() / "metrics.csv");
  EXPECT_GT(std::abs(found - test_evaluation().loss), 0.001);

  for (size_t i = 0; i < recording.values.size(); ++i) {
    const auto steps = static_cast<double>(i + 1);
    const double decay = std::min(0.4, (1 + steps) / (10 + steps));
    values = values * decay + recording.values[i] * (1 - decay);
    buffers = buffers * decay + recording.buffers[i] * (1 - decay);
  }
  parameters->values().copy_from(values);
  parameters->buffers().copy_from(buffers);
  EXPECT_NEAR(found, test_evaluation().loss, 1e-5);
}

}  // namespace
}  // namespace d2l::test
