#include "launcher/ranks.h"

#include <gmock/gmock.h>

#include "framework/base/files.h"
#include "tests/launcher/runs.h"
#include "tests/support/support.h"

// The messages of several ranks.

namespace d2l::test {
namespace {

using launcher::merge_messages;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST(SaidOnce, NamesTheRanks) {
  const Words hosts = {"n0", "n0", "n1", "n1"};
  EXPECT_THAT(merge_messages({"full", "full", "full", "full"}, hosts),
              ElementsAre("4 ranks: full"));
  EXPECT_THAT(merge_messages({"", "", "", "slow"}, hosts), ElementsAre("rank 3 on n1: slow"));
  EXPECT_THAT(merge_messages({"", "slow\nold", "slow", "slow\nnew\n"}, hosts),
              ElementsAre("3 of 4 ranks, first rank 1 on n0: slow", "rank 1 on n0: old",
                          "rank 3 on n1: new"));
  EXPECT_THAT(merge_messages({"", "slow", "slow\nold", ""}, hosts, 4),
              ElementsAre("2 of 4 ranks, first rank 5 on n0: slow", "rank 6 on n1: old"));
  EXPECT_THAT(merge_messages({"slow\nslow"}, {"n0"}), ElementsAre("slow"));
  EXPECT_THAT(merge_messages({"", ""}, {"n0", "n0"}), IsEmpty());
}

int count(const std::string& text, const std::string& part) {
  int found = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++found;
  return found;
}

TEST(Ranks, AWarningIsSaidOnce) {
  const TemporaryFolder folder;
  const std::filesystem::path run = folder.path() / "run";
  const ProgramResult result =
      train(4, {"--recipe", "mlp", "--threads", "3", "--max-steps", "1", "--out", run.string()});
  ASSERT_EQ(result.exit_code, 0) << result.output;
  EXPECT_EQ(count(result.output, "warning"), 1) << result.output;
  EXPECT_THAT(result.output, HasSubstr("warning: 4 ranks: 3 threads (--threads) x 4 ranks on "));
  EXPECT_THAT(read_text_file(run / "log.txt"), HasSubstr("warning: 4 ranks: 3 threads"));
}

// Runs mpirun with a program per rank; empty options are omitted.
ProgramResult run_ranks(const std::vector<Words>& options) {
  Words words = on_ranks(1, {"d2l-train"});
  const std::string program = words.back();
  words.pop_back();
  for (size_t rank = 0; rank < options.size(); ++rank) {
    if (rank > 0) words.insert(words.end(), {":", "-n", "1"});
    words.push_back(program);
    words.insert(words.end(), options[rank].begin(), options[rank].end());
  }
  return run_program(words, 60);
}

TEST(Ranks, AnErrorOfOneIsSaidOnceWithItsName) {
  const TemporaryFolder folder;
  const Words good = {"--recipe", "mlp",         "--data", "synthetic", "--threads",
                      "1",        "--max-steps", "1",      "--out",     folder.path() / "run"};
  Words misspelt = good, missing = good;
  misspelt[0] = "--recipee";
  missing[3] = "fashion-mnist";
  missing.insert(missing.end(), {"--data-dir", folder.path()});
  const ProgramResult before_mpi = run_ranks({good, good, misspelt});
  EXPECT_EQ(before_mpi.exit_code, 2) << before_mpi.output;
  EXPECT_EQ(count(before_mpi.output, "error: "), 1) << before_mpi.output;
  EXPECT_THAT(before_mpi.output, HasSubstr("d2l-train: error: rank 2 on "));
  EXPECT_THAT(before_mpi.output, HasSubstr("did you mean '--recipe'"));

  const ProgramResult at_setup = run_ranks({good, missing, missing});
  EXPECT_EQ(at_setup.exit_code, 1) << at_setup.output;
  EXPECT_EQ(count(at_setup.output, "error: "), 1) << at_setup.output;
  EXPECT_THAT(at_setup.output, HasSubstr("d2l-train: error: 2 of 3 ranks, first rank 1 on "));
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "run"));
}

TEST(Ranks, AnErrorOfAllIsSaidOnce) {
  for (const Words& wrong :
       {Words{"--recipee", "mlp"}, Words{"--recipe", "mlp", "--data", "/no"}}) {
    const ProgramResult result = run_ranks({wrong, wrong, wrong});
    EXPECT_NE(result.exit_code, 0);
    EXPECT_EQ(count(result.output, "error: "), 1) << result.output;
    EXPECT_THAT(result.output, HasSubstr("d2l-train: error: 3 ranks: "));
  }
}

TEST(Ranks, OfTasksThatDoNotKnowOfEachOtherOneSpeaks) {
  const auto task = [](const char* number) {
    return run_program({"env", std::string("SLURM_PROCID=") + number, "SLURM_STEP_NUM_TASKS=3",
                        bin_dir() / "d2l-train", "--recipe", "mlp"});
  };
  EXPECT_THAT(task("0").output, HasSubstr("3 tasks were started"));
  EXPECT_EQ(task("2").output, "");
  EXPECT_EQ(task("2").exit_code, 1);
}

}  // namespace
}  // namespace d2l::test
