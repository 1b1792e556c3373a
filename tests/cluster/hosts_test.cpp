#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "framework/base/text.h"
#include "framework/base/timer.h"
#include "framework/checkpoint/store.h"
#include "tests/cluster/shell.h"
#include "tests/support/program.h"
#include "tests/support/support.h"

// Ranks on several hosts: network namespaces on this machine.

namespace d2l::test {
namespace {

namespace fs = std::filesystem;
using testing::ContainsRegex;

class Hosts : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "network namespaces need root";
    if (shell("command -v ip").exit_code != 0) GTEST_SKIP() << "ip was not found";
    const ProgramResult up = hosts("up", "3");
    if (up.exit_code != 0) GTEST_SKIP() << "no network namespaces here: " << up.output;
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
                  "--mca oob_tcp_keepalive_probes 3 --mca mpi_yield_when_idle 1 -n 3 ",
                  (bin_dir() / "d2l-train").string(),
                  " --recipe lenet --data synthetic --threads 1 --epochs 100000 --out ",
                  run_.string(), " --resume auto");
  }

  const TemporaryFolder folder_;
  const fs::path run_ = folder_.path() / "run";
};

TEST_F(Hosts, ALostHostIsNamedAndCostsNoFinishedStep) {
  setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 1);
  setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 1);
  Process training({"/bin/bash", "-c", job()});
  ASSERT_TRUE(training.wait_for("epoch 2/", 60)) << training.output();
  hosts("cut", "h2");
  const Timer timer;
  const ProgramResult result = training.wait(30);
  EXPECT_NE(result.exit_code, 0);
  EXPECT_FALSE(result.timed_out);
  EXPECT_LT(timer.seconds(), 15);
  EXPECT_THAT(result.output,
              ContainsRegex("rank 1 on h2 has not answered for 4.[0-9] s, after step "
                            "[0-9,]+; its state is saved in .*/step-[0-9]+.h5"));
  // The link is back: a new job continues.
  hosts("mend", "h2");
  const std::string connect = script("on") + "h2 timeout 1 bash -c 'echo > /dev/tcp/10.93.0.1/1'";
  for (int attempt = 0; attempt < 20 && shell(connect).output.find("refused") == std::string::npos;
       ++attempt)
    continue;
  Process again({"/bin/bash", "-c", job() + " --max-time 1s"});
  EXPECT_EQ(again.wait(30).exit_code, 75) << again.output();
  EXPECT_THAT(again.output(), ContainsRegex("continuing after step [1-9][0-9]* from "));
}

}  // namespace
}  // namespace d2l::test
