#include <gmock/gmock.h>

#include "framework/autograd/arrange.h"
#include "framework/autograd/elementwise.h"
#include "framework/checkpoint/file.h"
#include "framework/nn/layers.h"
#include "framework/tensor/create.h"
#include "framework/train/trainer.h"
#include "tests/support/support.h"

// Which evaluation is the best, and when there is none better for too long.

namespace d2l::test {
namespace {

namespace fs = std::filesystem;

// What an evaluation of the test data finds.
struct Result {
  float loss = 0, share = 0, error = 0;
};

// One step in an epoch, of two samples.
class TwoSamples final : public BatchSource {
 public:
  int64_t samples() const override { return 2; }
  int64_t steps_per_epoch() const override { return 1; }
  int64_t largest_part() const override { return 2; }
  void seek(int64_t, int64_t) override {}
  Batch next() override {
    return {.inputs = full(device(), {2, 3}, 0.5),
            .targets = from_vector<float>(device(), {2, 1}, {1, -1}),
            .global_size = 2};
  }
};

// A squared error in training; evaluations find what the test says, one after the other.
class Scripted final : public Objective {
 public:
  Scripted()
      : Objective({{.name = "share", .label = "share", .sum = "shares"},
                   {.name = "error",
                    .label = "error",
                    .sum = "errors",
                    .most = HUGE_VAL,
                    .larger_is_better = false}}) {}

  Objective::Result operator()(const Variable& outputs, const Tensor& targets,
                               Phase phase) const override {
    const Variable squares = square(reshape(outputs - Variable(targets), {2}));
    if (phase == Phase::training) return {squares, {zeros(device(), {2}), zeros(device(), {2})}};
    const test::Result& result = script.at(evaluations++);
    return {Variable(full(device(), {2}, static_cast<double>(result.loss))),
            {full(device(), {2}, static_cast<double>(result.share)),
             full(device(), {2}, static_cast<double>(result.error))}};
  }
  DType target_type() const override { return DType::f32; }

  std::vector<test::Result> script;
  mutable size_t evaluations = 0;
};

// The best value of each column is in another epoch.
const std::vector<Result> kScript = {
    {0.9F, 0.50F, 70}, {0.7F, 0.25F, 60}, {0.8F, 0.75F, 50}, {0.75F, 0.5F, 40}, {1, 0.75F, 45}};

class Best : public testing::Test {
 protected:
  // A process of its own: a trainer and what it works with.
  struct Job {
    explicit Job(const std::vector<Result>& script) {
      objective.script = script;
      model.then_named<nn::Linear>("output", 3, 1);
      parameters.emplace(model, device(), 0);
      optimizer = make_sgd(*parameters, {});
    }
    Trainer trainer(const TrainerOptions& options) {
      return {{.model = model,
               .objective = objective,
               .parameters = *parameters,
               .optimizer = *optimizer,
               .comm = *comm,
               .train_data = train_data,
               .test_data = &test_data,
               .log = log},
              options};
    }

    Scripted objective;
    nn::Sequential model;
    std::optional<nn::ParameterSet> parameters;
    std::unique_ptr<Optimizer> optimizer;
    std::unique_ptr<Communicator> comm = make_self_communicator();
    TwoSamples train_data, test_data;
    Log log{true};
  };

  // Trains through the script from the beginning.
  TrainerReport run(const TrainerOptions& options) {
    Job job(kScript);
    Trainer trainer = job.trainer(options);
    CheckpointStore store(folder(), {.keep = 100});
    trainer.set_files(&store, nullptr);
    TrainerReport report = trainer.run();
    evaluations = job.objective.evaluations;
    return report;
  }
  fs::path folder() const { return folder_.path(); }
  Snapshot best() const { return read_checkpoint(folder() / "best.h5"); }
  Snapshot of_step(int64_t step) const {
    return CheckpointStore::read(CheckpointStore::path_of(folder(), step)).snapshot;
  }

  size_t evaluations = 0;
  TemporaryFolder folder_;
};

TEST_F(Best, IsByTheMetricThatTheUserSelects) {
  const struct {
    const char* name;
    const char* decides;
    int64_t step;
    double value;
  } cases[] = {{"", "share", 3, 0.75},
               {"share", "share", 3, 0.75},
               {"loss", "loss", 2, 0.7},
               {"error", "error", 4, 40}};
  for (const auto& expected : cases) {
    const TrainerReport report = run({.epochs = 5, .best = expected.name});
    ASSERT_TRUE(report.best);
    EXPECT_EQ(report.best->metric.name, expected.decides);
    EXPECT_EQ(report.best->step, expected.step);
    EXPECT_NEAR(report.best->value, expected.value, 1e-6);
    EXPECT_EQ(best().integers.at("progress/step"), expected.step);
    EXPECT_EQ(best().integers.at("progress/best_step"), expected.step);
    EXPECT_EQ(best().reals.at(std::string("progress/best_") + expected.decides),
              report.best->value);
    EXPECT_EQ(of_step(5).reals.at("progress/test_loss"), report.test_loss);
    EXPECT_EQ(report.test_loss, 1);
  }
}

TEST_F(Best, OfAnUnknownMetricIsRefusedWithThePossibleNames) {
  EXPECT_EQ(message_of([&] { run({.best = "accuracy"}); }),
            "--best expects share, error or loss, found 'accuracy'");
}

TEST_F(Best, CannotChangeItsMetricWithinARun) {
  run({.epochs = 2});
  Job job(kScript);
  Trainer other = job.trainer({.best = "loss"});
  EXPECT_EQ(message_of([&] { other.restore(of_step(2), "run/a.h5"); }),
            "run/a.h5: --best cannot change within a run: the best checkpoint is that by share, "
            "found --best loss");
  Trainer same = job.trainer({.best = "share"});
  same.restore(of_step(2), "run/a.h5");
  EXPECT_EQ(same.state().position.best.step, 1);
}

// They have neither the step of the best evaluation nor the test loss.
TEST_F(Best, IsReadFromCheckpointsOfOldVersions) {
  run({.epochs = 4});
  for (const int64_t step : {3, 4}) {
    Snapshot old = of_step(step);
    ASSERT_EQ(old.integers.erase("progress/best_step"), 1U);
    ASSERT_EQ(old.integers.erase("progress/evaluations_since_best"), 1U);
    ASSERT_EQ(old.reals.erase("progress/test_loss"), 1U);
    Job job({kScript[4], kScript[4]});
    Trainer resumed = job.trainer({.epochs = step + 1});
    resumed.restore(old, "old.h5");
    const Position::Best& best = resumed.state().position.best;
    EXPECT_EQ(best.value, 0.75);
    EXPECT_EQ(best.step, step == 3 ? 3 : -1) << "known only if it is the last evaluation";
    EXPECT_EQ(resumed.run().best->step, best.step) << "a value that is equal is not better";
  }
}

TEST_F(Best, EndsTheRunIfThereIsNoBetterOneForTooLong) {
  const struct {
    const char* best;
    int64_t patience, last_step;
  } cases[] = {{"share", 1, 2}, {"share", 2, 5}, {"share", 3, 5}, {"loss", 2, 4},
               {"loss", 3, 5},  {"error", 1, 5}, {"error", 0, 5}};
  for (const auto& expected : cases) {
    const TrainerReport report =
        run({.epochs = 5, .best = expected.best, .patience = expected.patience});
    EXPECT_EQ(report.losses.size(), static_cast<size_t>(expected.last_step))
        << expected.best << " " << expected.patience;
    EXPECT_EQ(evaluations, static_cast<size_t>(expected.last_step)) << "each state once";
    EXPECT_TRUE(report.saved);
    EXPECT_EQ(CheckpointStore::steps(folder()).back(), expected.last_step);
    fs::remove_all(folder());
  }
}

// Evaluations count, not steps or epochs.
TEST_F(Best, CountsScheduledEvaluations) {
  const TrainerReport report = run({.epochs = 50, .eval_every = 4, .best = "loss", .patience = 2});
  EXPECT_EQ(report.losses.size(), 16u);
  EXPECT_EQ(report.best->step, 8);
}

TEST_F(Best, IsRememberedWhenARunGoesOn) {
  const TrainerOptions options = {.epochs = 5, .best = "loss", .patience = 2};
  for (const int64_t cut : {1, 2, 3}) {
    TrainerOptions until_cut = options;
    until_cut.max_steps = cut;
    run(until_cut);
    Job job({kScript.begin() + cut, kScript.end()});
    Trainer resumed = job.trainer(options);
    resumed.restore(of_step(cut), "cut.h5");
    EXPECT_FALSE(resumed.finished());
    const TrainerReport report = resumed.run();
    EXPECT_TRUE(resumed.ended_early());
    EXPECT_EQ(resumed.state().position.step, 4) << "after " << cut;
    EXPECT_EQ(report.best->step, 2);
  }
}

TEST_F(Best, ALargerPatienceContinuesARunThatEndedEarly) {
  run({.epochs = 5, .best = "loss", .patience = 2});
  Job job({kScript.begin() + 4, kScript.end()});
  Trainer same = job.trainer({.epochs = 5, .best = "loss", .patience = 2});
  same.restore(of_step(4), "step 4");
  EXPECT_TRUE(same.finished());
  EXPECT_EQ(same.reason_for_early_end(),
            "the last 2 evaluations have not improved the test loss (--patience 2)");
  const TrainerReport report = same.run();
  EXPECT_TRUE(report.losses.empty());
  EXPECT_EQ(report.best->step, 2);
  EXPECT_NEAR(report.test_loss, 0.75, 1e-6);
  EXPECT_EQ(job.objective.evaluations, 0u);
  Trainer patient = job.trainer({.epochs = 5, .best = "loss", .patience = 3});
  patient.restore(of_step(4), "step 4");
  EXPECT_FALSE(patient.finished());
  EXPECT_EQ(patient.run().losses.size(), 1u);
}

}  // namespace
}  // namespace d2l::test
