#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstring>
#include <fstream>
#include <memory>

#include "framework/base/error.h"
#include "framework/base/terminal.h"
#include "tests/launcher/runs.h"
#include "tests/support/support.h"

// The last line of log.txt is the reason why a run ended.

namespace d2l::test {
namespace {

namespace fs = std::filesystem;
using testing::ContainsRegex;
using testing::EndsWith;
using testing::HasSubstr;

class Ending : public testing::Test {
 protected:
  std::string last_line() const {
    std::ifstream stream(run_ / "log.txt");
    std::string last;
    for (std::string line; std::getline(stream, line);) last = line;
    return last;
  }

  // Starts a job that would run for long; returns when it trains.
  std::unique_ptr<Process> start(int ranks) const {
    auto job = std::make_unique<Process>(
        train_command(ranks, {"--recipe", "lenet", "--epochs", "100000", "--out", run_}));
    EXPECT_TRUE(job->wait_for("epoch 1/", 60)) << job->output();
    return job;
  }

  // In the order of the ranks, since mpirun starts them in this order.
  std::vector<pid_t> ranks() const { return processes_of("d2l-train", run_); }

  const TemporaryFolder folder_;
  const fs::path run_ = folder_.path() / "run";
};

TEST_F(Ending, ByAnErrorOfAllRanks) {
  for (const int number : {0, 3}) {
    fs::remove_all(run_);
    const ProgramResult result = train(number, {"--recipe", "mlp", "--lr", "1e15", "--out", run_});
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(last_line(), ContainsRegex(" error: step [0-9]+: the loss is -?nan"));
    EXPECT_EQ(result.output.find("error: "), result.output.rfind("error: ")) << result.output;
  }
}

TEST_F(Ending, BySignals) {
  for (const int signal : {SIGHUP, SIGQUIT, SIGXCPU}) {
    fs::remove_all(run_);
    const auto job = start(0);
    kill(ranks().at(0), signal);
    EXPECT_EQ(job->wait(10).exit_code, 128 + signal);
    EXPECT_THAT(last_line(), HasSubstr(std::string(" error: ended by SIG") + sigabbrev_np(signal) +
                                       ", sent by process "));
    EXPECT_THAT(last_line(), EndsWith(" (test_launcher)"));
  }
}

// Open MPI ends the ranks a second later.
TEST_F(Ending, ByTheEndOfAJob) {
  const auto job = start(3);
  kill(mpirun_above(ranks().at(0)), SIGTERM);
  EXPECT_NE(job->wait(20).exit_code, 0);
  EXPECT_THAT(last_line(),
              ContainsRegex("stopped after step [0-9]+: (SIGTERM, sent by process [0-9]+ "
                            "\\(mpi(run|exec)\\)|another rank was asked to stop); --resume "));
}

// The signals that the other ranks get as a consequence are not the reason.
TEST_F(Ending, ByASignalToOneRank) {
  for (const int signal : {SIGHUP, SIGSEGV}) {
    fs::remove_all(run_);
    const auto job = start(3);
    kill(ranks().at(2), signal);
    EXPECT_NE(job->wait(20).exit_code, 0);
    EXPECT_THAT(last_line(),
                ContainsRegex(" error: rank 2 on [^ ]+: ended by SIG(HUP|SEGV), sent"));
  }
}

// A living rank reports it, and has saved the last step.
TEST_F(Ending, ByTheDeathOfARank) {
  for (const size_t victim : {2, 0}) {
    fs::remove_all(run_);
    const auto job = start(3);
    kill(ranks().at(victim), SIGKILL);
    EXPECT_NE(job->wait(20).exit_code, 0);
    EXPECT_THAT(last_line(),
                ContainsRegex(concat("rank ", victim, " on [^ ]+ has died, after step ",
                                     "[0-9,]+; its state is saved in .*/step-[0-9]+.h5$")));
    EXPECT_TRUE(fs::exists(last_line().substr(last_line().rfind(' ') + 1))) << last_line();
  }
}

// Two copies of the data. The second rank's is damaged in a place that only reading detects.
TEST_F(Ending, ByAnErrorOfAnotherRankThanTheFirst) {
  for (const char* name : {"a", "b"})
    fs::copy(source_dir() / "data/samples/fashion-mnist", folder_.path() / name);
  const fs::path damaged = folder_.path() / "b/train-00000-of-00001.h5";
  const auto middle = static_cast<std::streamoff>(fs::file_size(damaged) / 2);
  std::fstream stream(damaged, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekg(middle);
  const int byte = stream.get();
  stream.seekp(middle);
  stream.put(static_cast<char>(byte ^ 1));
  stream.close();

  const auto command = [&](const char* data) {
    return Words{bin_dir() / "d2l-train", "--recipe", "lenet", "--threads", "1", "--data",
                 folder_.path() / data,   "--out",    run_};
  };
  Words words = on_ranks(1, command("a"));
  words.insert(words.end(), {":", "-n", "1"});
  for (const std::string& word : command("b")) words.push_back(word);
  const ProgramResult result = run_program(words);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output, ContainsRegex("d2l-train: error: rank 1 on [^ ]+: .*/b/train-00000"));
  EXPECT_EQ(result.output.find("error: "), result.output.rfind("error: ")) << result.output;
  EXPECT_THAT(last_line(), ContainsRegex(" error: rank 1 on [^ ]+: .*/b/train-00000"));
}

}  // namespace
}  // namespace d2l::test
