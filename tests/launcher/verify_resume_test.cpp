#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "framework/base/files.h"
#include "framework/checkpoint/store.h"
#include "tests/launcher/runs.h"
#include "tests/support/support.h"

namespace d2l::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class VerifyResume : public testing::Test {
 protected:
  // Checkpoints of steps 10, 12 and 14 remain, with an evaluation at step 12 and the end of an
  // epoch between them.
  VerifyResume() {
    ProgramResult result = train(2, options_ + Words{"--max-steps", "14", "--out", run_});
    EXPECT_EQ(result.exit_code, 0) << result.output;
  }
  ProgramResult resume(int ranks, const Words& more) {
    return train(ranks, Words{"--resume", run_, "--max-steps", "16"} + more);
  }

  const Words options_ = {"--recipe",     "bn-lenet", "--batch-size", "400", "--lr",  "0.1",
                          "--save-every", "2",        "--eval-every", "6",   "--ema", "0.9"};
  TemporaryFolder folder_;
  const fs::path run_ = folder_.path() / "run";
};

TEST_F(VerifyResume, RepeatsStepsAndGoesOn) {
  const ProgramResult result = resume(2, {"--verify-resume", "3"});
  ASSERT_EQ(result.exit_code, 0) << result.output;
  EXPECT_THAT(result.output, HasSubstr("verifying the resume: repeats steps 11 to 14 from "));
  EXPECT_THAT(result.output, HasSubstr("the resume is exact: repeating steps 11 to 14 leads to "
                                       "the same bits as those in "));
  EXPECT_THAT(result.output, HasSubstr("continuing after step 14"));
  EXPECT_THAT(read_text_file(run_ / "log.txt"), HasSubstr("the resume is exact"));
  const fs::path whole = folder_.path() / "whole";
  ASSERT_EQ(train(2, options_ + Words{"--max-steps", "16", "--out", whole}).exit_code, 0);
  EXPECT_EQ(run_program({"d2l-ckpt", "diff", whole, run_}).output, "identical\n");
}

TEST_F(VerifyResume, FindsThatAnotherNumberOfRanksIsNotExact) {
  const std::string config = read_text_file(run_ / "config.ini"),
                    log = read_text_file(run_ / "log.txt");
  const ProgramResult result = resume(0, {"--verify-resume", "1"});
  EXPECT_EQ(result.exit_code, 1) << result.output;
  EXPECT_THAT(result.output, HasSubstr("--verify-resume: repeating steps 13 to 14 leads to another "
                                       "state than "));
  EXPECT_THAT(result.output, HasSubstr("warning: buffers/"));
  EXPECT_EQ(CheckpointStore::steps(run_ / "checkpoints"), (std::vector<int64_t>{10, 12, 14}));
  EXPECT_EQ(read_text_file(run_ / "config.ini"), config);
  EXPECT_EQ(read_text_file(run_ / "log.txt"), log);
}

TEST_F(VerifyResume, NeedsAnEarlierCheckpoint) {
  const ProgramResult result = resume(2, {"--verify-resume", "5"});
  EXPECT_EQ(result.exit_code, 2) << result.output;
  EXPECT_THAT(result.output,
              HasSubstr("--verify-resume 5 expects a valid checkpoint at least 5 steps before step "
                        "14 in " +
                        (run_ / "checkpoints").string() + ", found those of steps 10, 12, 14"));
  EXPECT_THAT(train(0, {"--model", "mlp", "--verify-resume", "5"}).output,
              HasSubstr("--verify-resume 5 has no effect without --resume"));
}

}  // namespace
}  // namespace d2l::test
