#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "framework/checkpoint/file.h"
#include "framework/checkpoint/store.h"
#include "tests/launcher/runs.h"
#include "tests/support/support.h"

namespace d2l::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

// A run that trains for 30 steps with a checkpoint every 10.
class Divergence : public testing::Test {
 protected:
  void SetUp() override {
    const ProgramResult result =
        train(0, {"--model", "mlp", "--batch-size", "64", "--max-steps", "30", "--save-every", "10",
                  "--log-every", "1", "--out", run()});
    ASSERT_EQ(result.exit_code, 0) << result.output;
    ASSERT_THAT(steps(), ElementsAre(10, 20, 30));
  }
  std::string run() const { return folder_.path() / "run"; }
  fs::path checkpoints() const { return fs::path(run()) / "checkpoints"; }
  std::vector<int64_t> steps() const { return CheckpointStore::steps(checkpoints()); }

 private:
  TemporaryFolder folder_;
};

TEST_F(Divergence, NeverBecomesTheNewestCheckpointAndTheMessageSaysHowToGoOn) {
  const ProgramResult wild =
      train(0, {"--resume", run(), "--lr", "1e15", "--save-every", "1", "--max-steps", "40"});
  EXPECT_EQ(wild.exit_code, 1) << wild.output;
  EXPECT_THAT(wild.output, AllOf(HasSubstr("lower the learning rate (now 1e+15)"),
                                 HasSubstr("continue from the last good checkpoint, step "),
                                 HasSubstr(", with --resume " + run() + " and other options")));
  for (const int64_t step : steps()) {
    const Snapshot snapshot = read_checkpoint(CheckpointStore::path_of(checkpoints(), step));
    EXPECT_EQ(first_not_finite(snapshot), "") << step;
  }
  const ProgramResult sane =
      train(0, {"--resume", run(), "--from", "30", "--lr", "0.1", "--max-steps", "40"});
  EXPECT_EQ(sane.exit_code, 0) << sane.output;
  EXPECT_THAT(sane.output, HasSubstr("continuing after step 30"));
}

// One step with a finite loss whose result is unusable.
TEST_F(Divergence, OfTheTestLossIsAnErrorAndNothingIsSaved) {
  const ProgramResult result =
      train(0, {"--resume", run(), "--lr", "3e37", "--max-steps", "31", "--save-every", "1"});
  EXPECT_EQ(result.exit_code, 1) << result.output;
  EXPECT_THAT(result.output, AllOf(HasSubstr("step 31: "), HasSubstr("the run has diverged"),
                                   HasSubstr("continue from the last good checkpoint, step 30")));
  EXPECT_THAT(steps(), ElementsAre(10, 20, 30));
}

TEST_F(Divergence, GoesBackToAStepAndSetsLaterOnesAside) {
  const ProgramResult back =
      train(2, {"--resume", run(), "--from", "10", "--max-steps", "20", "--save-every", "5"});
  ASSERT_EQ(back.exit_code, 0) << back.output;
  EXPECT_THAT(back.output, HasSubstr("continuing after step 10"));
  EXPECT_THAT(steps(), ElementsAre(10, 15, 20));
  EXPECT_TRUE(fs::exists(checkpoints() / "superseded/step-00000030.h5"));
  EXPECT_EQ(losses(run()).size(), 20u);
}

TEST_F(Divergence, GoesBackToAFile) {
  const fs::path copy = fs::path(run()) / "good.h5";
  fs::copy(CheckpointStore::path_of(checkpoints(), 20), copy);
  const ProgramResult back = train(0, {"--resume", run(), "--from", copy, "--max-steps", "25"});
  ASSERT_EQ(back.exit_code, 0) << back.output;
  EXPECT_THAT(back.output, HasSubstr("continuing after step 20 from " + copy.string()));
  EXPECT_EQ(steps().back(), 25);
}

TEST_F(Divergence, SaysWhichStepsThereAre) {
  const ProgramResult absent = train(0, {"--resume", run(), "--from", "11"});
  EXPECT_EQ(absent.exit_code, 2);
  EXPECT_THAT(absent.output, AllOf(HasSubstr("--from 11: expected a step with a checkpoint in "),
                                   HasSubstr("found those of steps 10, 20, 30")));
  EXPECT_THAT(train(0, {"--model", "mlp", "--from", "10", "--out", run() + "2"}).output,
              HasSubstr("--from 10 has no effect without --resume"));
  EXPECT_THAT(train(0, {"--resume", run(), "--from", "nowhere.h5"}).output,
              HasSubstr("cannot read nowhere.h5: No such file or directory"));
}

}  // namespace
}  // namespace d2l::test
