#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <thread>

#include "framework/base/files.h"
#include "framework/base/lock_holder.h"
#include "framework/base/timer.h"
#include "framework/checkpoint/store.h"
#include "tests/launcher/runs.h"
#include "tests/support/faults.h"
#include "tests/support/support.h"

namespace d2l::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// Jobs that use the same run folder.
class RunLock : public testing::Test {
 protected:
  // A command that runs until it is killed.
  Words endless(int ranks = 0) const {
    return train_command(ranks, {"--model", "mlp", "--epochs", "100000", "--save-every", "20",
                                 "--log-every", "1", "--out", run()});
  }
  Words resume(int64_t steps) const {
    return train_command(0, {"--resume", run(), "--max-steps", std::to_string(steps)});
  }
  static Words in_job(const std::string& restart, Words command) {
    Words words = {"env", "SLURM_JOB_ID=7", "SLURM_RESTART_COUNT=" + restart};
    command[0] = bin_dir() / command[0];
    words.insert(words.end(), command.begin(), command.end());
    return words;
  }
  void wait_for_checkpoint() const {
    for (int i = 0; i < 1000 && CheckpointStore::steps(checkpoints()).empty(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  int64_t newest() const { return CheckpointStore::steps(checkpoints()).back(); }
  std::string run() const { return folder_.path() / "run"; }
  fs::path checkpoints() const { return fs::path(run()) / "checkpoints"; }
  fs::path lock() const { return fs::path(run()) / ".lock"; }
  pid_t holder() const { return std::stoi(read_lock_holder(lock()).pid); }

 private:
  TemporaryFolder folder_;
};

TEST_F(RunLock, TheSecondJobIsToldOfTheFirst) {
  Process first(endless());
  wait_for_checkpoint();
  const ProgramResult second = run_program(resume(1));
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_THAT(second.output, HasSubstr(concat("d2l-train: error: ", lock().string(),
                                              " is held by process ", holder(), " on ")));
  const pid_t killed = holder();
  ::kill(killed, SIGKILL);
  first.wait(5);
  const ProgramResult third = run_program(resume(newest() + 1));
  EXPECT_EQ(third.exit_code, 0) << third.output;
  EXPECT_THAT(third.output, HasSubstr(concat("warning: ", lock().string(), " is held by process ",
                                             killed, " on ")));
  EXPECT_THAT(third.output, HasSubstr(", which no longer exists: taken over"));
  EXPECT_FALSE(fs::exists(lock())) << "of a job that has ended";
}

TEST_F(RunLock, AJobThatEndsByItselfLeavesNoLock) {
  const Words words = {"--model", "mlp", "--max-steps", "2", "--out", run()};
  EXPECT_THAT(train(2, words).output, Not(HasSubstr("warning")));
  EXPECT_FALSE(fs::exists(lock()));
}

TEST_F(RunLock, HoldsWithoutLocksOfTheFileSystem) {
  if (!can_fault()) GTEST_SKIP() << kNoFaults;
  for (const char* faults : {"flock=ENOLCK", "flock=EOPNOTSUPP"}) {
    Process first(with_faults(faults, endless()));
    wait_for_checkpoint();
    const ProgramResult second = run_program(with_faults(faults, resume(1)));
    EXPECT_EQ(second.exit_code, 1);
    EXPECT_THAT(second.output, AllOf(HasSubstr("this file system does not support locks"),
                                     HasSubstr(concat(" is held by process ", holder()))));
    ::kill(holder(), SIGKILL);
    EXPECT_THAT(first.wait(5).output, HasSubstr("this file system does not support locks"));
    const ProgramResult third = run_program(with_faults(faults, resume(newest() + 1)));
    EXPECT_EQ(third.exit_code, 0) << third.output;
    EXPECT_FALSE(fs::exists(lock()));
    fs::remove_all(run());
  }
}

// Slurm restarts a job while a host that it has lost still computes.
TEST_F(RunLock, GoesToTheNextStartOfAJobAndTheFormerEndsItself) {
  Process lost(in_job("0", endless()));
  wait_for_checkpoint();
  const pid_t former = holder();
  ::kill(former, SIGSTOP);
  const ProgramResult next = run_program(in_job("1", resume(newest() + 30)));
  EXPECT_EQ(next.exit_code, 0) << next.output;
  EXPECT_THAT(next.output, HasSubstr("an earlier start of this job: taken over"));
  const std::string metrics = read_text_file(fs::path(run()) / "metrics.csv");
  const std::vector<int64_t> steps = CheckpointStore::steps(checkpoints());
  // Rows of metrics.csv rely on a lock check that is up to 0.2 s old.
  std::this_thread::sleep_for(std::chrono::milliseconds(300));

  ::kill(former, SIGCONT);
  const Timer timer;
  const ProgramResult ended = lost.wait(20);
  EXPECT_LT(timer.seconds(), 6);  // the lock is checked every 5 s
  EXPECT_EQ(ended.exit_code, 1);
  const std::string line = "d2l-train: error: " + lock().string() + " was ";
  EXPECT_THAT(ended.output, HasSubstr(line));
  EXPECT_EQ(ended.output.find("error"), ended.output.rfind("error")) << ended.output;
  EXPECT_EQ(read_text_file(fs::path(run()) / "metrics.csv"), metrics);
  EXPECT_EQ(CheckpointStore::steps(checkpoints()), steps);
}

// All ranks of a job end if its folder is gone.
TEST_F(RunLock, AJobOfSeveralRanksEndsWithItsLock) {
  Process job(endless(2));
  wait_for_checkpoint();
  fs::remove(lock());
  const ProgramResult ended = job.wait(20);
  EXPECT_FALSE(ended.timed_out);
  EXPECT_NE(ended.exit_code, 0);
  EXPECT_THAT(ended.output, HasSubstr("error: " + lock().string() + " was removed"));
  EXPECT_TRUE(processes_of("d2l-train", run()).empty());
}

}  // namespace
}  // namespace d2l::test
