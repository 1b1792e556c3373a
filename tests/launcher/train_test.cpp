#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/launcher/runs.h"
#include "tests/support/support.h"

namespace d2l::test {
namespace {

using testing::HasSubstr;

TEST(Train, ResumesBitForBitInTheMiddleOfAnEpoch) {
  TemporaryFolder folder;
  std::string whole = (folder.path() / "whole").string(), cut = (folder.path() / "cut").string();
  std::vector<std::string> options = {"--recipe", "bn-lenet", "--epochs", "2", "--save-every", "5"};
  auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), options.begin(), options.end());
    return more;
  };
  ASSERT_EQ(train(2, with({"--out", whole})).exit_code, 0);
  ASSERT_EQ(train(2, with({"--out", cut, "--max-steps", "13"})).exit_code, 0);
  ProgramResult resumed = train(2, {"--resume", cut, "--max-steps", "0"});
  ASSERT_EQ(resumed.exit_code, 0) << resumed.output;
  EXPECT_THAT(resumed.output, HasSubstr("going on after step 13"));
  ProgramResult diff = run_program({"d2l-ckpt", "diff", whole, cut});
  EXPECT_EQ(diff.exit_code, 0) << diff.output;
  EXPECT_THAT(diff.output, HasSubstr("identical"));
}

TEST(Train, LossesDoNotDependOnTheNumberOfRanks) {
  TemporaryFolder folder;
  std::vector<double> reference;
  for (int ranks : {0, 1, 2, 3, 4}) {
    std::filesystem::path run = folder.path() / std::to_string(ranks);
    ProgramResult result = train(ranks, {"--recipe", "lenet", "--max-steps", "20", "--log-every",
                                         "1", "--out", run.string()});
    ASSERT_EQ(result.exit_code, 0) << result.output;
    std::vector<double> found = losses(run);
    ASSERT_EQ(found.size(), 20u);
    if (ranks == 0) reference = found;
    for (size_t i = 0; i < found.size(); ++i)
      EXPECT_NEAR(found[i], reference[i], 1e-4 * reference[i]) << ranks << " ranks, step " << i;
  }
}

// Open MPI hands ranks a terminal although its own output goes into a pipe here.
TEST(Train, DrawsNoProgressBarIntoAPipe) {
  setenv("TERM", "xterm", 1);
  for (int ranks : {0, 1, 2}) {
    TemporaryFolder folder;
    ProgramResult result =
        train(ranks, {"--recipe", "lenet", "--epochs", "2", "--out", folder.path() / "run"});
    ASSERT_EQ(result.exit_code, 0) << result.output;
    EXPECT_THAT(result.output, HasSubstr("epoch 2/2"));
    EXPECT_THAT(result.output, testing::Not(HasSubstr("\033")));
  }
}

TEST(Train, SaysWhatIsWrong) {
  TemporaryFolder folder;
  std::string out = (folder.path() / "run").string();
  struct Case {
    std::vector<std::string> options;
    int exit_code;
    const char* message;
  };
  for (const Case& bad : std::vector<Case>{
           {{"--model", "lenett", "--out", out}, 2, "did you mean 'lenet'"},
           {{"--bach-size", "3"}, 2, "did you mean '--batch-size'"},
           {{"--recipe", "lenet", "--batch-size", "0", "--out", out}, 2, "--batch-size"},
           {{"--recipe", "lenet", "--out", "/proc/nothing/run"}, 1, "/proc/nothing"},
           {{"--resume", out}, 1, "config.ini"}}) {
    ProgramResult result = train(0, bad.options);
    EXPECT_EQ(result.exit_code, bad.exit_code) << result.output;
    EXPECT_THAT(result.output, HasSubstr(bad.message));
  }
  EXPECT_FALSE(std::filesystem::exists(out));
}

}  // namespace
}  // namespace d2l::test
