#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "framework/base/files.h"
#include "framework/base/timer.h"
#include "framework/launch/leftovers.h"
#include "tests/launch/launches.h"
#include "tests/support/support.h"

// d2l-launch with small scripts as the ranks.

namespace d2l::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

// The standard output of a command, without its standard error, and the other way round.
std::string output_of(Words command, const char* stream) {
  command = Words{"sh", "-c", std::string("\"$@\" ") + stream, "sh"} + command;
  return run_program(command).output;
}

class Launch : public testing::Test {
 protected:
  // A script whose ranks fail until they have been started `failures` times; then it ends with 0.
  // `failure`: shell commands. TRY is the number of the start.
  Words flaky(int ranks, int failures, const std::string& failure,
              const Words& options = {}) const {
    const std::string script =
        "echo >> " + tries_.string() + "-$OMPI_COMM_WORLD_RANK; TRY=$(wc -l < " + tries_.string() +
        "-$OMPI_COMM_WORLD_RANK); if [ $TRY -gt " + std::to_string(failures) +
        " ]; then echo done; exit 0; fi; " + failure;
    return launch_command(Words{"--ranks", std::to_string(ranks)} + options,
                          {"sh", "-c", script, "sh", "--resume", run_.string()});
  }
  int64_t tries() const {
    std::ifstream stream(tries_.string() + "-0");
    return std::count(std::istreambuf_iterator<char>(stream), {}, '\n');
  }

  const TemporaryFolder folder_;
  const fs::path run_ = folder_.path() / "run", tries_ = folder_.path() / "tries";
};

TEST_F(Launch, PassesTheOutputOn) {
  const Words command =
      launch_command({"--ranks", "1"},
                     {"sh", "-c", "echo out; echo err >&2; printf 'no end'; exec >&-; sleep 0.1"});
  EXPECT_EQ(output_of(command, "2>/dev/null"), "out\nno end\n");
  EXPECT_EQ(output_of(command, "2>&1 >/dev/null"), "err\n");
}

TEST_F(Launch, PrefixesNameTheRank) {
  const ProgramResult result = run_program(launch_command(
      {"--ranks", "2", "--prefix"}, {"sh", "-c",
                                     "echo out; [ $OMPI_COMM_WORLD_RANK = 0 ] || { echo 'x: error: "
                                     "y' >&2; sleep 0.1; exit 1; }"}));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output,
              AllOf(HasSubstr("[0] out\n"), HasSubstr("[1] out\n"), HasSubstr("[1] x: error: y\n"),
                    HasSubstr("d2l-launch: first error, of rank 1: x: error: y\n")));
}

TEST_F(Launch, LogsHaveAFolderForEachStart) {
  const fs::path logs = folder_.path() / "logs", written = folder_.path() / "written";
  // the second rank fails when the first one has written everything
  const ProgramResult result =
      run_program(flaky(2, 1,
                        "if [ $OMPI_COMM_WORLD_RANK = 0 ]; then echo out; seq 100000; touch " +
                            written.string() + "; sleep 9; fi; while ! [ -e " + written.string() +
                            " ]; do sleep 0.1; done; sleep 0.4; exit 1",
                        {"--logs", logs}));
  EXPECT_EQ(result.exit_code, 0) << result.output.substr(0, 500);
  EXPECT_EQ(read_text_file(logs / "start-1/rank.0/stdout").size(), 4 + 588895u);
  EXPECT_EQ(read_text_file(logs / "start-2/rank.1/stdout"), "done\n");
  EXPECT_EQ(read_text_file(logs / "start-2/rank.1/stderr"), "");
  EXPECT_FALSE(fs::exists(logs / "start-3"));
}

TEST_F(Launch, FloodsPassThrough) {
  const std::string output =
      output_of(launch_command({"--ranks", "1"}, {"seq", "300000"}), "| tail -n 1");
  EXPECT_EQ(output, "300000\n");
}

TEST_F(Launch, GoesOnIfNobodyReadsItsOutput) {
  const fs::path mark = folder_.path() / "mark";
  const std::string script = "seq 30000; touch " + mark.string();
  const std::string errors =
      output_of(Words{"sh", "-c", "{ \"$@\"; echo code $? >&2; } | head -n 1 >/dev/null", "sh"} +
                    launch_command({"--ranks", "1"}, {"sh", "-c", script}),
                "2>&1");
  EXPECT_THAT(errors, HasSubstr("warning: cannot write to standard output: Broken pipe"));
  EXPECT_THAT(errors, HasSubstr("code 0\n"));
  EXPECT_TRUE(fs::exists(mark));
}

TEST_F(Launch, ReturnsTheExitCodeOfTheRanks) {
  for (const int code : {0, 1, 2, 75}) {
    const Words command = flaky(1, 9, "exit " + std::to_string(code), {"--max-restarts", "0"});
    EXPECT_EQ(run_program(command).exit_code, code);
  }
  EXPECT_EQ(tries(), 4);
}

TEST_F(Launch, StartsAgainUntilItSucceeds) {
  const ProgramResult result =
      run_program(flaky(2, 2,
                        "[ $OMPI_COMM_WORLD_RANK = 0 ] || { echo 'x: error: boom' >&2; sleep 0.2; "
                        "kill -9 $$; }; sleep 9"));
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(tries(), 3);
  EXPECT_THAT(result.output, ContainsRegex("d2l-launch: first error: x: error: boom\n"
                                           "d2l-launch: rank 1 on [^ ]+ ended by SIGKILL .137.; "
                                           "0 steps saved; starts again on 2 ranks "
                                           ".restart 1 of 3.\n"));
  EXPECT_THAT(result.output, HasSubstr("(restart 2 of 3)\n"));
  EXPECT_THAT(result.output, HasSubstr("done\ndone\n"));
  EXPECT_THAT(result.output, Not(HasSubstr("-----"))) << "mpirun's own message is left out";
}

TEST_F(Launch, GivesUpWithoutProgress) {
  const ProgramResult result = run_program(flaky(1, 99, "exit 3", {"--max-restarts", "2"}));
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(tries(), 3);
  EXPECT_THAT(result.output, ContainsRegex("d2l-launch: error: .* ended with exit code 3; 0 "
                                           "steps saved; not started again after 2 restarts "
                                           "without progress\n"));
}

// The third start waits for a second.
TEST_F(Launch, CanBeStoppedBetweenTwoStarts) {
  Process job(flaky(1, 99, "exit 3", {"--max-restarts", "9"}));
  ASSERT_TRUE(job.wait_for("starts again in 1 s on 1 rank (restart 2 of 9)", 20)) << job.output();
  job.send(SIGTERM);
  EXPECT_EQ(job.wait(20).exit_code, 3);
  EXPECT_EQ(tries(), 2);
}

TEST_F(Launch, ANewerCheckpointIsProgress) {
  for (const char* folder : {"checkpoints", "fold-1/checkpoints"})
    fs::create_directories(run_ / folder);
  // the first four starts leave newer checkpoints, the third one in a fold
  const std::string fail = "cd " + run_.string() +
                           "; case $TRY in 3) cd fold-1;; esac; [ $TRY -gt 4 ] || touch "
                           "checkpoints/step-000${TRY}000.h5 "
                           "checkpoints/best.h5 checkpoints/step-9.h5.tmp; exit 3";
  const ProgramResult result = run_program(flaky(1, 99, fail, {"--max-restarts", "1"}));
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(tries(), 5);
  EXPECT_THAT(result.output, HasSubstr("7,000 steps saved; not started again"));
}

TEST_F(Launch, WrongUsageAndStartMeAgainAreNotFailures) {
  for (const int code : {2, 75}) {
    const ProgramResult result = run_program(flaky(1, 9, "exit " + std::to_string(code)));
    EXPECT_EQ(result.exit_code, code);
    EXPECT_THAT(result.output, Not(HasSubstr("starts again")));
  }
}

TEST_F(Launch, ASignalAsksTheRanksToSave) {
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1}) {
    Process job(launch_command({"--ranks", "2"}, {"sh", "-c",
                                                  "trap 'echo saved; exit 75' USR1; echo ready; "
                                                  "while :; do sleep 0.1; done"}));
    ASSERT_TRUE(job.wait_for("ready\nready\n", 20)) << job.output();
    job.send(signal);
    const ProgramResult result = job.wait(20);
    EXPECT_EQ(result.exit_code, 75);
    EXPECT_THAT(result.output, HasSubstr("saved\n"));
    EXPECT_THAT(result.output, HasSubstr("the ranks are asked to save and stop\n"));
  }
}

// Ranks that do not handle the signal, such as those that are still starting, end by it.
TEST_F(Launch, AJobThatCanContinueMayBeStartedAgainAfterAStop) {
  Process job(flaky(1, 9, "echo ready; exec sleep 30"));
  ASSERT_TRUE(job.wait_for("ready", 20)) << job.output();
  job.send(SIGTERM);
  EXPECT_EQ(job.wait(20).exit_code, 75);
  EXPECT_EQ(tries(), 1);
}

TEST_F(Launch, ASecondSignalEndsTheRanks) {
  Process job(
      launch_command({"--ranks", "1"}, {"sh", "-c",
                                        "trap 'echo ignored' USR1; trap '' TERM; echo ready; "
                                        "while :; do sleep 0.1; done"}));
  ASSERT_TRUE(job.wait_for("ready\n", 20)) << job.output();
  job.send(SIGINT);
  ASSERT_TRUE(job.wait_for("ignored\n", 20)) << job.output();
  job.send(SIGINT);
  EXPECT_EQ(job.wait(20).exit_code, 128 + SIGINT);
}

TEST_F(Launch, OtherSignalsReachTheRanks) {
  Process job(launch_command({"--ranks", "1"}, {"sh", "-c",
                                                "trap 'echo second; exit 0' USR2; echo ready; "
                                                "while :; do sleep 0.1; done"}));
  ASSERT_TRUE(job.wait_for("ready\n", 20)) << job.output();
  job.send(SIGUSR2);
  const ProgramResult result = job.wait(20);
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.output, HasSubstr("second\n"));
}

// The words that identify this test's ranks.
std::string unique_seconds() { return "30." + std::to_string(::getpid()); }

// Waits until `count` ranks sleep.
bool sleep_within(size_t count, double seconds) {
  for (const Timer timer; timer.seconds() < seconds;) {
    if (processes_of("sleep", unique_seconds()).size() == count) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return false;
}

TEST_F(Launch, NothingRemainsIfItIsKilled) {
  Process job(
      launch_command({"--ranks", "2"}, {"sh", "-c", "echo ready; exec sleep " + unique_seconds()}));
  ASSERT_TRUE(job.wait_for("ready\nready\n", 20)) << job.output();
  ASSERT_TRUE(sleep_within(2, 10));
  job.send(SIGKILL);
  EXPECT_TRUE(sleep_within(0, 5));
}

TEST_F(Launch, NothingRemainsIfMpirunIsKilled) {
  Process job(flaky(2, 1, "echo ready; exec sleep " + unique_seconds()));
  ASSERT_TRUE(job.wait_for("ready\nready\n", 20)) << job.output();
  ASSERT_TRUE(sleep_within(2, 10));
  const std::vector<pid_t> starters = processes_of("mpirun", run_.string());
  ASSERT_EQ(starters.size(), 1u);
  kill(starters[0], SIGKILL);
  const ProgramResult result = job.wait(20);
  EXPECT_EQ(result.exit_code, 0) << "it is started again";
  EXPECT_TRUE(processes_of("sleep", unique_seconds()).empty());
}

TEST_F(Launch, AnMpirunThatWaitsForDeadRanksIsEnded) {
  const fs::path mpirun = folder_.path() / "mpirun";
  write_text_file(mpirun, "#!/bin/sh\necho start; sleep 2.5 & wait; exec sleep 60\n");
  fs::permissions(mpirun, fs::perms::owner_all);
  Words command = launch_command({"--ranks", "1"}, {"true"});
  command.insert(command.end() - 5, "PATH=" + folder_.path().string() + ":" + std::getenv("PATH"));
  const ProgramResult result = run_program(command, 30);
  EXPECT_EQ(result.exit_code, 128 + SIGTERM) << result.output;
}

TEST_F(Launch, DoesNotRepeatWhatCannotBegin) {
  const ProgramResult result = run_program(
      launch_command({"--ranks", "2", "--cores-per-rank", "5000", "--max-restarts", "3"},
                     {"true", "--resume", "x"}));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output, HasSubstr("d2l-launch: error: the ranks could not be started"));
}

TEST_F(Launch, DryRunPrintsTheCommand) {
  const ProgramResult result = run_program(
      launch_command({"--hosts", "a:2,b:2", "--dry-run"}, {"d2l-train", "--recipe", "lenet"}));
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.output, HasSubstr("host  ranks      cores per rank\n"
                                       "a     0-1        not bound\n"));
  EXPECT_THAT(result.output, ContainsRegex("\n/[^ ]*/mpirun .*--host a:2,b:2 .* -n 4 .*"
                                           "/d2l-train --recipe lenet\n"));
}

TEST_F(Launch, RefusesWhatCannotWork) {
  const struct {
    Words options, program;
    const char* message;
  } cases[] = {
      {{"--ranks", "2"}, {}, "expected '--' and a program"},
      {{}, {"true"}, "--ranks is missing"},
      {{"--ranks", "0"}, {"true"}, "--ranks: expected a number from 1 to 1000000, found '0'"},
      {{"--rank", "2"}, {"true"}, "unknown option '--rank', did you mean '--ranks'?"},
      {{"8"}, {"true"}, "unexpected word"},
      {{"--ranks", "2"}, {"no-such-program"}, "no-such-program: expected a program"},
      {{"--ranks", "5", "--hosts", "a:4"}, {"true"}, "--ranks: expected at most 4"},
      {{"--ranks", "2", "--logs", "a:b"}, {"true"}, "--logs: expected a path without ':'"},
      {{"--hosts", "a", "--hostfile", "b"}, {"true"}, "expected --hosts or --hostfile, found both"},
      {{"--ranks", "2", "--min-ranks", "3"}, {"true"}, "--min-ranks: expected at most"},
      {{"--ranks", "2", "--max-restarts", "1"}, {"true"}, "add --out FOLDER --resume auto"},
      {{"--ranks", "2", "--max-restarts", "1"}, {"true", "--out", "x"}, "; add --resume auto"},
      {{"--ranks", "2", "--max-restarts", "1"}, {"true", "--resume", "auto"}, "; add --out FOLDER"},
      {{"--ranks", "2", "--max-restarts", "1"},
       {"true", "--resume=a", "--from", "5"},
       "; remove --from"},
  };
  for (const auto& test : cases) {
    const ProgramResult result = run_program(launch_command(test.options, test.program));
    EXPECT_EQ(result.exit_code, 2) << test.message;
    EXPECT_THAT(result.output, HasSubstr(test.message));
    EXPECT_EQ(std::count(result.output.begin(), result.output.end(), '\n'), 1) << result.output;
  }
}

// A stand-in for Slurm: its srun runs the ranks one after the other, its squeue says that n2 is
// gone.
TEST_F(Launch, UnderSlurmTheNodesThatAreLeftAreUsed) {
  const auto put = [&](const char* name, const std::string& script) {
    write_text_file(folder_.path() / name, "#!/bin/sh\n" + script);
    fs::permissions(folder_.path() / name, fs::perms::owner_all);
  };
  put("squeue", "echo 'n[1,3]'\n");
  put("srun",
      "for word; do shift; case $word in --ntasks=*) n=${word#*=};; --*) echo $word >&2;; "
      "*) set -- $word \"$@\"; break;; esac; done\n"
      "i=0; while [ $i -lt $n ]; do \"$@\" | sed \"s/^/$i: /\"; i=$((i+1)); done\n"
      "[ $n = 4 ] || { echo 'srun: error: n2: task 2: Killed' >&2; exit 143; }\n");
  Words command = launch_command({"--min-ranks", "3", "--logs", folder_.path()},
                                 {"echo", "hello", "--resume", run_.string()});
  command.insert(command.end() - 10,
                 {"PATH=" + folder_.path().string() + ":" + std::getenv("PATH"), "SLURM_JOB_ID=7",
                  "SLURM_JOB_NODELIST=n[1-3]", "SLURM_JOB_CPUS_PER_NODE=2(x3)", "SLURM_NTASKS=6"});
  const ProgramResult result = run_program(command);
  EXPECT_EQ(result.exit_code, 0) << result.output;
  EXPECT_THAT(result.output,
              AllOf(HasSubstr("--nodelist=n1,n2,n3\n"), HasSubstr("hello --resume"),
                    HasSubstr("d2l-launch: host n2 is left out: the Slurm job has lost it\n"
                              "d2l-launch: rank 2 on n2 ended by SIGKILL (137); 0 steps saved; "
                              "starts again on 4 ranks (restart 1 of 3)\n"),
                    HasSubstr("--nodelist=n1,n3\n")));
  EXPECT_EQ(read_text_file(folder_.path() / "start-1/rank.5/stdout"),
            "hello --resume " + run_.string() + "\n");
}

// Only this host is really there: the agent that stands in for ssh refuses the others.
TEST_F(Launch, HostsThatAreGoneAreLeftOut) {
  const fs::path agent = folder_.path() / "agent";
  write_text_file(agent, "#!/bin/sh\necho 'No route to host' >&2\nexit 255\n");
  fs::permissions(agent, fs::perms::owner_all);
  setenv("OMPI_MCA_plm_rsh_agent", agent.c_str(), 1);
  const auto job = [&](const char* fewest) {
    return run_program(launch_command(
        {"--hosts", "localhost:2,gone:2", "--min-ranks", fewest},
        {"sh", "-c", "echo size $OMPI_COMM_WORLD_SIZE", "sh", "--resume", run_.string()}));
  };
  const ProgramResult fewer = job("2"), refused = job("3");
  unsetenv("OMPI_MCA_plm_rsh_agent");
  EXPECT_EQ(fewer.exit_code, 0) << fewer.output;
  EXPECT_THAT(fewer.output, HasSubstr("d2l-launch: host gone is left out: No route to host\n"));
  EXPECT_THAT(fewer.output, HasSubstr("starts again on 2 ranks (restart 1 of 3)\n"));
  EXPECT_THAT(fewer.output, HasSubstr("size 2\nsize 2\n"));
  EXPECT_NE(refused.exit_code, 0);
  EXPECT_THAT(refused.output, HasSubstr("room for 2 ranks, expected at least 3 (--min-ranks)"));
}

}  // namespace
}  // namespace d2l::test
