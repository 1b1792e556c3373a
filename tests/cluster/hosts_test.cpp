#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <functional>
#include <iostream>
#include <random>

#include "framework/base/text.h"
#include "framework/base/timer.h"
#include "framework/checkpoint/store.h"
#include "tests/cluster/shell.h"
#include "tests/support/happens.h"
#include "tests/support/program.h"
#include "tests/support/support.h"

// Ranks on several hosts: network namespaces on this machine.

namespace d2l::test {
namespace {

namespace fs = std::filesystem;
using testing::ContainsRegex;

// One for all repetitions, so that they differ.
std::mt19937 random_numbers(1);

class Hosts : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "network namespaces need root";
    if (shell("command -v ip").exit_code != 0) GTEST_SKIP() << "ip was not found";
    const ProgramResult up = hosts("up", "4");
    if (up.exit_code != 0) GTEST_SKIP() << "no network namespaces here: " << up.output;
    setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 1);
    setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 1);
  }
  void TearDown() override { hosts("down", ""); }

  std::string script(const std::string& action) const {
    return concat((source_dir() / "tests/cluster/hosts.sh").string(), " ", action, " ",
                  (folder_.path() / "hosts").string(), " ");
  }
  ProgramResult hosts(const std::string& action, const std::string& words) const {
    return shell(script(action) + words);
  }
  // One rank on each host. mpirun itself notices a lost host after 4 seconds.
  std::string job() const {
    return "exec " + script("mpirun") +
           concat("--mca oob_tcp_keepalive_time 1 --mca oob_tcp_keepalive_intvl 1 ",
                  "--mca oob_tcp_keepalive_probes 3 --mca mpi_yield_when_idle 1 -n 4 ",
                  (bin_dir() / "d2l-train").string(),
                  " --recipe lenet --data synthetic --threads 1 --epochs 100000 --out ",
                  run_.string(), " --resume auto");
  }

  // Starts a job; at a random moment of it, `harm` is done to a random rank from `first` on and its
  // host. Expects that the job fails, names the rank and saves its last step. Returns the seconds
  // from then on until the other ranks have ended; mpirun itself takes up to 3 more.
  double end_after(int first,
                   const std::function<void(pid_t victim, const std::string& host)>& harm,
                   const std::string& message) {
    Process training({"/bin/bash", "-c", job()});
    EXPECT_TRUE(training.wait_for("epoch 2/", 60)) << training.output();
    usleep(std::uniform_int_distribution<useconds_t>(0, 500'000)(random_numbers));
    const int rank = first + static_cast<int>(random_numbers() % (4 - first));
    const std::string host = concat("h", rank + 1);
    const pid_t victim = process_of(rank);
    harm(victim, host);
    const Timer timer;
    const auto others_have_ended = [&] {
      const std::vector<pid_t> left = processes_of("d2l-train", run_.string());
      return left.empty() || left == std::vector<pid_t>{victim};
    };
    EXPECT_TRUE(happens(others_have_ended, 30));
    const double seconds = timer.seconds();
    const ProgramResult result = training.wait(30);
    const double mpirun_seconds = timer.seconds();
    EXPECT_NE(result.exit_code, 0);
    EXPECT_FALSE(result.timed_out);
    EXPECT_THAT(result.output, ContainsRegex(concat("rank ", rank, " on ", host, message,
                                                    ", after step [0-9,]+; its state is saved "
                                                    "in .*/step-[0-9]+.h5")));
    std::cout << host << ": the ranks " << seconds << " s, mpirun " << mpirun_seconds << " s\n";
    return seconds;
  }
  // The process of a rank.
  pid_t process_of(int rank) const {
    for (const pid_t process : processes_of("d2l-train", run_.string()))
      if (shell(concat("tr '\\0' '\\n' </proc/", process,
                       "/environ | grep -qx OMPI_COMM_WORLD_RANK=", rank))
              .exit_code == 0)
        return process;
    ADD_FAILURE() << "no process of rank " << rank;
    return 0;
  }

  const TemporaryFolder folder_;
  const fs::path run_ = folder_.path() / "run";
};

TEST_F(Hosts, ALostHostIsNamedAndCostsNoFinishedStep) {
  std::string lost;  // not that of mpirun, which prints the message
  const double seconds = end_after(
      1, [&](pid_t, const std::string& host) { hosts("cut", lost = host); },
      " has not answered for 4.[0-9] s");
  EXPECT_LT(seconds, 8);
  // The link is back: a new job continues.
  hosts("mend", lost);
  const std::string connect =
      script("on") + lost + " timeout 1 bash -c 'echo > /dev/tcp/10.93.0.1/1'";
  for (int attempt = 0; attempt < 20 && shell(connect).output.find("refused") == std::string::npos;
       ++attempt)
    continue;
  Process again({"/bin/bash", "-c", job() + " --max-time 1s"});
  EXPECT_EQ(again.wait(30).exit_code, 75) << again.output();
  EXPECT_THAT(again.output(), ContainsRegex("continuing after step [1-9][0-9]* from "));
}

TEST_F(Hosts, AStoppedRankIsNamed) {
  const double seconds = end_after(
      0, [&](pid_t victim, const std::string&) { kill(victim, SIGSTOP); },
      " has not answered for 4.[0-9] s");
  EXPECT_LT(seconds, 8);
}

TEST_F(Hosts, AKilledRankIsNamed) {
  const double seconds = end_after(
      0, [&](pid_t victim, const std::string&) { kill(victim, SIGKILL); }, " has died");
  EXPECT_LT(seconds, 3);
}

}  // namespace
}  // namespace d2l::test
