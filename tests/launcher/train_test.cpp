#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "tests/support/support.h"

namespace d2l::test {
namespace {

using testing::HasSubstr;

// d2l-train on made-up images, on so many ranks.
ProgramResult train(int ranks, const std::vector<std::string>& options) {
  setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 0);
  setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 0);
  setenv("OMPI_MCA_rmaps_base_oversubscribe", "1", 0);
  std::vector<std::string> words;
  if (ranks > 0) words = {"/usr/bin/mpirun", "--bind-to", "none", "-n", std::to_string(ranks)};
  words.push_back(std::string(D2L_BIN_DIR) + "/d2l-train");
  for (const char* word : {"--data", "synthetic", "--threads", "1"}) words.emplace_back(word);
  words.insert(words.end(), options.begin(), options.end());
  return run_program(words, 100);
}

// The loss of each step, from the run's metrics.csv.
std::vector<double> losses(const std::filesystem::path& run) {
  std::ifstream stream(run / "metrics.csv");
  std::string line;
  std::getline(stream, line);
  std::vector<double> result;
  while (std::getline(stream, line)) {
    size_t at = 0;
    for (int column = 0; column < 3; ++column) at = line.find(',', at) + 1;
    if (line[at] != ',') result.push_back(std::stod(line.substr(at)));
  }
  return result;
}

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
