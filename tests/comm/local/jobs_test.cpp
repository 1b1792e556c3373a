#include <gmock/gmock.h>

#include <fstream>
#include <thread>

#include "framework/base/timer.h"
#include "tests/support/program.h"
#include "tests/support/support.h"

namespace d2l {
namespace {

using test::ProgramResult;
using testing::HasSubstr;

std::string victim() { return (test::bin_dir() / "comm-victim").string(); }

ProgramResult run_job(int ranks, const std::string& what) {
  return test::run_program(test::on_ranks(ranks, {victim(), what}), 20);
}

// Whether the process is dead or a zombie.
bool is_gone(const std::string& pid) {
  std::ifstream status("/proc/" + pid + "/status");
  for (std::string line; std::getline(status, line);)
    if (line.rfind("State:", 0) == 0) return line.find('Z') != std::string::npos;
  return true;
}

void expect_all_gone(const std::string& output, int ranks) {
  int found = 0;
  for (size_t at = 0; (at = output.find("pid ", at)) != std::string::npos; at += 4) {
    const std::string pid = output.substr(at + 4, output.find('\n', at) - at - 4);
    ++found;
    Timer timer;
    while (!is_gone(pid) && timer.seconds() < 3)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_TRUE(is_gone(pid)) << "process " << pid << " is still there";
  }
  EXPECT_EQ(found, ranks) << output;
}

class BrokenJob : public testing::TestWithParam<std::string> {};

TEST_P(BrokenJob, EndsSoonAndSaysSo) {
  for (int ranks : {2, 3}) {
    Timer timer;
    const ProgramResult result = run_job(ranks, GetParam());
    EXPECT_FALSE(result.timed_out) << result.output;
    EXPECT_NE(result.exit_code, 0) << result.output;
    EXPECT_LT(timer.seconds(), 8);  // 5 s on an idle machine
    expect_all_gone(result.output, ranks);
  }
}

INSTANTIATE_TEST_SUITE_P(Comm, BrokenJob,
                         testing::Values("kill", "throw", "unwind", "swallow", "terminate"),
                         [](const auto& test) { return test.param; });

TEST(Job, AbortsWithTheGivenCodeAfterTheMessage) {
  const ProgramResult result = run_job(2, "throw");
  EXPECT_EQ(result.exit_code, 9) << result.output;
  EXPECT_THAT(result.output, HasSubstr("rank 1: victim: wanted"));
}

TEST(Job, ThatFinishesExitsWithZero) {
  const ProgramResult result = run_job(3, "finish");
  EXPECT_EQ(result.exit_code, 0) << result.output;
}

TEST(Job, OneRankNeedsNoLauncher) {
  Timer timer;
  const ProgramResult result = test::run_program({victim(), "finish"}, 20);
  EXPECT_EQ(result.exit_code, 0) << result.output;
  EXPECT_EQ(result.output.find("pid "), 0u) << "a warning: " << result.output;
}

TEST(Job, OneRankFailsLikeAnyProgram) {
  const ProgramResult result = test::run_program({victim(), "unwind"}, 20);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output, HasSubstr("comm-victim: error: victim: wanted"));
}

TEST(Job, ManySingleProcessesStartAtOnce) {
  const std::string command =
      "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do " + victim() + " finish || echo failed & done; wait";
  const ProgramResult result = test::run_program({"sh", "-c", command}, 30);
  EXPECT_THAT(result.output, testing::Not(HasSubstr("failed")));
}

TEST(Job, UnconnectedTasksAreRefused) {
  const ProgramResult result = test::run_program(
      {"env", "SLURM_PROCID=1", "SLURM_STEP_NUM_TASKS=4", victim(), "finish"}, 20);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output, HasSubstr("srun --mpi=pmix"));
}

}  // namespace
}  // namespace d2l
