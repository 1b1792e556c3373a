#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>

#include "framework/checkpoint/file.h"
#include "framework/checkpoint/store.h"
#include "tests/launcher/runs.h"
#include "tests/support/support.h"

// --best and --patience.

namespace d2l::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr int kStep = 0, kTestLoss = 8, kTestAccuracy = 9;  // columns of metrics.csv

int64_t best_step(const fs::path& run) {
  return read_checkpoint(run / "checkpoints/best.h5").integers.at("progress/step");
}

int64_t last_step(const fs::path& run) {
  return CheckpointStore::steps(run / "checkpoints").back();
}

class Evaluations : public testing::Test {
 protected:
  fs::path in_folder(const char* name) const { return folder_.path() / name; }
  // On data that are so easy that all test samples are soon classified correctly; the loss still
  // falls then. 32 steps in an epoch.
  static Words command(int ranks, const Words& options) {
    const Words network = {"--model",      "mlp", "--optimizer", "adam", "--lr",        "0.003",
                           "--batch-size", "128", "--epochs",    "12",   "--log-every", "0"};
    return train_command(ranks, network + options);
  }
  static ProgramResult run(int ranks, const Words& options) {
    return run_program(command(ranks, options), 100);
  }
  static Words resume_command(int ranks, const fs::path& run, const Words& options = {}) {
    return on_ranks(ranks, Words{"d2l-train", "--threads", "1", "--resume", run} + options);
  }
  static ProgramResult resume(const fs::path& run, const Words& options = {}) {
    return run_program(resume_command(2, run, options), 100);
  }

  TemporaryFolder folder_;
};

TEST_F(Evaluations, LossAndAccuracyHaveDifferentBestEpochs) {
  const fs::path by_accuracy = in_folder("accuracy"), by_loss = in_folder("loss");
  ASSERT_EQ(run(0, {"--out", by_accuracy}).exit_code, 0);
  const ProgramResult result = run(2, {"--out", by_loss, "--best", "loss"});
  ASSERT_EQ(result.exit_code, 0) << result.output;
  for (const auto& [folder, name, number, sign] :
       {std::tuple(by_accuracy, "best_accuracy", kTestAccuracy, -1.0),
        std::tuple(by_loss, "best_loss", kTestLoss, 1.0)}) {
    const std::vector<double> steps = column(folder, kStep), values = column(folder, number);
    ASSERT_EQ(values.size(), 12u);
    const auto best =
        std::min_element(values.begin(), values.end(),
                         [sign = sign](double a, double b) { return sign * a < sign * b; });
    EXPECT_EQ(best_step(folder), steps[static_cast<size_t>(best - values.begin())]) << name;
    const Snapshot saved = read_checkpoint(folder / "checkpoints/best.h5");
    EXPECT_NEAR(saved.reals.at(std::string("progress/") + name), *best, 1e-8);
  }
  EXPECT_NE(best_step(by_loss), best_step(by_accuracy));
  const std::string step = std::to_string(best_step(by_loss));
  EXPECT_THAT(result.output,
              testing::ContainsRegex("\nepoch 12/12: [^\n]*, test loss [0-9.]+, test acc "));
  EXPECT_THAT(result.output,
              testing::ContainsRegex("\nbest test loss [0-9.]+ [(]smaller is better[)], "
                                     "after step " +
                                     step + "\n"));
  EXPECT_THAT(run_program({"d2l-ckpt", "info", by_loss / "checkpoints/best.h5"}).output,
              testing::ContainsRegex("\nbest       test loss [0-9.]+, after step " + step + "\n"));
  const ProgramResult other = resume(by_loss, {"--best", "accuracy"});
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_THAT(other.output,
              HasSubstr("--best cannot change within a run: the best checkpoint is that "
                        "by loss, found --best accuracy"));
}

TEST_F(Evaluations, MustBeThereForOptionsAboutThem) {
  const std::pair<Words, const char*> cases[] = {
      {{"--best", "rmse"}, "--best expects accuracy or loss, found 'rmse'"},
      {{"--patience", "2", "--eval-every", "385"},
       "--patience 2 expects evaluations: --eval-every of at most 384, the steps of --epochs 12, "
       "found 385"},
      {{"--patience", "2", "--time", "1"}, "--patience has no effect with --time"},
      {{"--patience", "-1"}, "--patience expects a number of at least 0, found -1"}};
  for (const auto& [options, message] : cases) {
    const ProgramResult result = run(2, options + Words{"--out", in_folder("run")});
    EXPECT_EQ(result.exit_code, 2) << result.output;
    EXPECT_THAT(result.output, HasSubstr(message));
    EXPECT_FALSE(fs::exists(in_folder("run")));
  }
}

TEST_F(Evaluations, EndTheRunIfNoneIsBetter) {
  const fs::path whole = in_folder("whole");
  const Words options = {"--patience", "3", "--save-every", "7", "--eval-every", "10"};
  const ProgramResult result = run(2, options + Words{"--out", whole});
  ASSERT_EQ(result.exit_code, 0) << result.output;
  const int64_t last = last_step(whole);
  ASSERT_LT(last, 384);
  EXPECT_EQ(last, best_step(whole) + 30);
  EXPECT_THAT(
      result.output,
      AllOf(HasSubstr("\ntraining ends early, after step " + std::to_string(last) +
                      ": the last 3 evaluations have not improved the test acc (--patience 3)\n"),
            HasSubstr(", after step " + std::to_string(last - 30) + "\n")));

  const ProgramResult again = resume(whole);
  EXPECT_EQ(again.exit_code, 0) << again.output;
  EXPECT_THAT(
      again.output,
      AllOf(
          HasSubstr("nothing left to do: the run has ended early: the last 3 evaluations have "
                    "not improved the test acc (--patience 3); a larger --patience continues it\n"),
          Not(HasSubstr("training ends early"))));
  EXPECT_EQ(last_step(whole), last);
  ASSERT_EQ(resume(whole, {"--patience", "4"}).exit_code, 0);
  EXPECT_GT(last_step(whole), last);
}

// Killed in several epochs, between evaluations and checkpoints.
TEST_F(Evaluations, EndARunThatWasKilledAtTheSameStep) {
  const fs::path whole = in_folder("whole"), cut = in_folder("cut");
  const Words options = {"--patience", "20", "--save-every", "7", "--eval-every", "10"};
  ASSERT_EQ(run(2, options + Words{"--out", whole}).exit_code, 0);
  ASSERT_GT(last_step(whole), 200);
  ASSERT_LT(last_step(whole), 384);
  for (const int epoch : {1, 2, 4, 6}) {
    Process job(epoch == 1 ? command(2, options + Words{"--out", cut}) : resume_command(2, cut));
    ASSERT_TRUE(job.wait_for("epoch " + std::to_string(epoch) + "/12:", 60)) << job.output();
    for (const pid_t rank : processes_of("d2l-train", cut)) kill(rank, SIGKILL);
    ASSERT_NE(job.wait(30).exit_code, 0) << "it ended before it was killed";
  }
  const ProgramResult last = resume(cut);
  EXPECT_THAT(last.output,
              AllOf(HasSubstr("continuing after step "), HasSubstr("training ends early")));
  EXPECT_EQ(last_step(cut), last_step(whole));
  EXPECT_EQ(run_program({"d2l-ckpt", "diff", whole, cut}).output, "identical\n");
}

}  // namespace
}  // namespace d2l::test
