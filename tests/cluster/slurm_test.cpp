#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "framework/base/files.h"
#include "framework/base/text.h"
#include "framework/checkpoint/store.h"
#include "tests/cluster/shell.h"
#include "tests/support/happens.h"
#include "tests/support/program.h"
#include "tests/support/support.h"

// The batch scripts of slurm/ on a real Slurm.

namespace d2l::test {
namespace {

namespace fs = std::filesystem;
using testing::ContainsRegex;
using testing::HasSubstr;
using Words = std::vector<std::string>;

std::string text_of(const fs::path& file) {
  return fs::exists(file) ? read_text_file(file) : std::string();
}

class Slurm : public testing::Test {
 protected:
  static constexpr int kNodes = 3;

  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "a Slurm of virtual nodes needs root";
    for (const char* program : {"slurmctld", "slurmd", "munged"})
      if (shell(std::string("command -v ") + program).exit_code != 0)
        GTEST_SKIP() << program << " was not found: apt-get install slurm-wlm";
    const ProgramResult up = shell(concat(cluster_, " up ", cluster_folder(), " ", kNodes));
    if (up.exit_code != 0) GTEST_SKIP() << "no Slurm can be started here: " << up.output;
    setenv("SLURM_CONF", (cluster_folder() + "/slurm.conf").c_str(), 1);
    setenv("D2L_PROGRAMS", bin_dir().c_str(), 1);
    fs::current_path(source_dir());
  }
  void TearDown() override {
    if (HasFailure()) std::printf("%s\n", text_of(output_).c_str());
    shell(concat(cluster_, " down ", cluster_folder()));
  }

  static constexpr int64_t kSteps = 500;

  Words options(const fs::path& run) const {
    return {"--recipe",     "lenet", "--data", "synthetic",  "--threads",   "1",
            "--epochs",     "1000",  "--out",  run.string(), "--max-steps", std::to_string(kSteps),
            "--eval-every", "1000"};
  }
  // Submits train.sbatch, waits until it trains, and returns the job's number.
  std::string submit() const {
    const ProgramResult submitted =
        shell(concat("sbatch --parsable --nodes=2 --ntasks-per-node=1 --cpus-per-task=1 --time=10 "
                     "--output=",
                     output_.string(), " slurm/train.sbatch ", join(options(run_), " ")));
    EXPECT_EQ(submitted.exit_code, 0) << submitted.output;
    const auto trains = [&] {
      return text_of(run_ / "metrics.csv").find("\n100,") != std::string::npos;
    };
    EXPECT_TRUE(happens(trains, 30));
    return submitted.output.substr(0, submitted.output.find('\n'));
  }
  bool has_state(const std::string& job, const std::string& state) const {
    return shell("scontrol show job " + job).output.find("JobState=" + state) != std::string::npos;
  }
  // The job is back in the queue: starts it now, and waits for its end.
  void expect_continues(const std::string& job) const {
    ASSERT_TRUE(happens([&] { return has_state(job, "PENDING"); }, 30)) << shell("squeue").output;
    // Slurm waits two minutes. Its nodes need a few seconds to clean up, and refuse to start a job
    // in the second in which they have ended it.
    ASSERT_TRUE(
        happens([&] { return shell("pgrep -f '^slurmstepd: .[0-9]'").exit_code != 0; }, 30));
    std::this_thread::sleep_for(std::chrono::seconds(2));
    shell(concat("scontrol update jobid=", job, " StartTime=now"));
    ASSERT_TRUE(happens([&] { return has_state(job, "COMPLETED"); }, 60))
        << shell("scontrol show job " + job).output
        << shell("tail -n 20 " + cluster_folder() + "/slurm*.log").output;
    EXPECT_THAT(text_of(output_), ContainsRegex("continuing after step [1-9][0-9]* from "));
  }
  void expect_bits_of_an_undisturbed_run() const {
    const fs::path whole = folder_.path() / "whole";
    Words command = {"d2l-train"};
    for (const std::string& word : options(whole)) command.push_back(word);
    ASSERT_EQ(run_program(on_ranks(2, command), 100).exit_code, 0);
    const ProgramResult equal =
        run_program({"d2l-ckpt", "diff", CheckpointStore::path_of(run_ / "checkpoints", kSteps),
                     CheckpointStore::path_of(whole / "checkpoints", kSteps)});
    EXPECT_EQ(equal.exit_code, 0) << equal.output;
  }
  std::string cluster_folder() const { return (folder_.path() / "slurm").string(); }

  const TemporaryFolder folder_;
  const fs::path run_ = folder_.path() / "run", output_ = folder_.path() / "output.log";
  const std::string cluster_ = (source_dir() / "tests/cluster/slurm_cluster.sh").string();
};

TEST_F(Slurm, AfterASignalTheJobGoesBackToTheQueueAndContinues) {
  const std::string job = submit();
  shell("scancel --signal=USR1 " + job);  // as --signal does before the time limit
  expect_continues(job);
  EXPECT_THAT(text_of(output_), ContainsRegex("stopped after step [0-9]+: SIGUSR1"));
  EXPECT_THAT(text_of(output_), HasSubstr("exited with code 75: job " + job + " goes back"));
  expect_bits_of_an_undisturbed_run();
}

TEST_F(Slurm, ARequeuedJobContinues) {
  const std::string job = submit();
  shell("scontrol requeue " + job);
  expect_continues(job);
  expect_bits_of_an_undisturbed_run();
}

TEST_F(Slurm, AfterTheLossOfANodeTheJobContinuesOnOthers) {
  const std::string job = submit();
  const std::string before = shell("squeue -h -o %N -j " + job).output;
  shell("kill -9 $(cat " + cluster_folder() + "/slurmd-node2.pid)");
  shell("scontrol update nodename=node2 state=down reason=test");
  expect_continues(job);
  EXPECT_THAT(before, HasSubstr("node[1-2]"));
  EXPECT_THAT(shell("scontrol show job " + job).output, HasSubstr(" NodeList=node[1,3]"));
  expect_bits_of_an_undisturbed_run();
}

TEST_F(Slurm, RefusesTasksThatDoNotFindEachOther) {
  const ProgramResult result =
      shell(concat("srun --nodes=2 --ntasks-per-node=1 --mpi=none ", bin_dir().string(),
                   "/d2l-train ", join(options(run_), " ")));
  EXPECT_EQ(result.exit_code, 1) << result.output;
  EXPECT_THAT(result.output, HasSubstr("srun --mpi=pmix"));
  EXPECT_FALSE(fs::exists(run_));
}

}  // namespace
}  // namespace d2l::test
