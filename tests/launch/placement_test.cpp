#include "framework/launch/placement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "framework/base/text.h"
#include "framework/launch/job.h"
#include "tests/support/support.h"

namespace d2l::launch {
namespace {

using test::message_of;
using testing::HasSubstr;

// "a:0+2 b:2+1": host a has two ranks from rank 0 on
std::string text_of(const std::vector<HostRanks>& placement) {
  std::string text;
  for (const HostRanks& ranks : placement)
    text += concat(text.empty() ? "" : " ", ranks.host, ":", ranks.first, "+", ranks.count);
  return text;
}

TEST(Placement, DividesRanksInProportionToTheSlots) {
  const struct {
    const char* hosts;
    int ranks;
    const char* expected;
  } cases[] = {
      {"a:4,b:4", 8, "a:0+4 b:4+4"},           {"a:4,b:4", 4, "a:0+2 b:2+2"},
      {"a:4,b:4", 3, "a:0+2 b:2+1"},           {"a:4,b:2", 6, "a:0+4 b:4+2"},
      {"a:4,b:2", 3, "a:0+2 b:2+1"},           {"a:8,b:1", 9, "a:0+8 b:8+1"},
      {"a:8,b:1", 2, "a:0+1 b:1+1"},           {"a:8,b:8", 1, "a:0+1"},
      {"a:1,b:1,c:1", 3, "a:0+1 b:1+1 c:2+1"},
  };
  for (const auto& test : cases)
    EXPECT_EQ(text_of(place_ranks(parse_hosts(test.hosts), test.ranks)), test.expected)
        << test.hosts << " " << test.ranks;
  EXPECT_EQ(message_of([] { place_ranks(parse_hosts("a:4,b:2"), 7); }),
            "expected at most 6 ranks on these hosts, found 7");
}

TEST(Placement, BindsRanksToCoresOfOneNumaNode) {
  const struct {
    std::vector<int> numa_nodes;
    int ranks, cores, per_numa;
  } cases[] = {
      {{8}, 1, 0, 0},  // one rank uses the whole host
      {{8}, 2, 4, 0},
      {{8}, 3, 2, 0},
      {{8}, 8, 1, 0},
      {{8}, 9, 0, 0},  // more ranks than cores
      {{10, 10}, 2, 10, 1},
      {{10, 10}, 3, 5, 2},  // not 6: the second rank would have cores of
                            // both
      {{10, 10}, 4, 5, 2},
      {{10, 10}, 20, 1, 10},
      {{10, 10}, 21, 0, 0},
      {{4, 4, 4, 4}, 2, 8, 0},
      {{4, 4, 4, 4}, 3, 4, 0},
      {{4, 6}, 2, 4, 1},
      {{2, 6}, 8, 0, 0},  // four ranks do not fit into the smaller node
      {{4, 6, 4}, 2, 0, 0},
  };
  for (const auto& test : cases) {
    const Binding binding = bind_ranks(test.numa_nodes, test.ranks);
    const std::string label = concat(test.numa_nodes.size(), " nodes, ", test.ranks, " ranks");
    EXPECT_EQ(binding.cores, test.cores) << label;
    EXPECT_EQ(binding.ranks_per_numa, test.per_numa) << label;
  }
}

TEST(Placement, TableShowsHostsRanksAndCores) {
  EXPECT_EQ(placement_table({{"node1", 0, 2}, {"b", 2, 1}}, {4, 0}),
            "host   ranks      cores per rank\n"
            "node1  0-1        4\n"
            "b      2          4\n");
  EXPECT_THAT(placement_table({{"a", 0, 2}}, {}), HasSubstr("0-1        not bound"));
}

Job job_on(const std::string& hosts, int ranks) {
  Job job;
  job.hosts = parse_hosts(hosts);
  job.one_host = false;
  job.ranks = ranks;
  job.program = {"prog", "a b"};
  return job;
}

std::string command_of(const Job& job) {
  return shell_line(start_command(make_start(job, job.hosts)));
}

TEST(StartCommand, MpirunGetsTheRanksOfEachHost) {
  Job job = job_on("a:4,b:4", 4);
  job.variables = {"OMP_NUM_THREADS"};
  EXPECT_EQ(command_of(job),
            "mpirun --report-uri - --host a:2,b:2 --mca "
            "oob_tcp_keepalive_time 1 --mca "
            "oob_tcp_keepalive_intvl 1 --mca oob_tcp_keepalive_probes 3 -x D2L_LAUNCH_JOB -x "
            "OMP_NUM_THREADS -n 4 --bind-to none prog 'a b'");
  job.prefix = true;
  EXPECT_THAT(command_of(job), HasSubstr("mpirun --report-uri - --tag-output --host a:2,b:2"));
  job.cores_per_rank = 6;
  EXPECT_THAT(command_of(job), HasSubstr(" --map-by slot:PE=6 --bind-to core prog"));
}

TEST(StartCommand, MpirunOnThisHost) {
  Job job = job_on(this_host(), 1);
  job.one_host = true;
  EXPECT_EQ(command_of(job), "mpirun --report-uri - -n 1 --bind-to none prog 'a b'");
  job.ranks = 5000;
  EXPECT_THAT(command_of(job), HasSubstr(" -n 5000 --bind-to none --oversubscribe --mca "
                                         "mpi_yield_when_idle 1 prog"));
  Start start = make_start(job, job.hosts);
  start.binding = {5, 2};
  EXPECT_THAT(shell_line(start_command(start)),
              HasSubstr(" --map-by ppr:2:numa:PE=5 --bind-to core"));
}

TEST(StartCommand, SrunGetsTheCoresOfEachRank) {
  Job job = job_on("n1:8,n2:8", 4);
  job.starter = Starter::srun;
  job.starter_path = "srun";
  EXPECT_EQ(command_of(job),
            "srun --mpi=pmix --label --kill-on-bad-exit=1 --nodes=2 --nodelist=n1,n2 --ntasks=4 "
            "--cpus-per-task=4 --cpu-bind=cores prog 'a b'");
  job.cores_per_rank = 0;
  EXPECT_THAT(command_of(job), HasSubstr(" --cpu-bind=none prog"));
}

TEST(StartCommand, FewerHostsHaveFewerRanks) {
  const Job job = job_on("a:4,b:4", 8);
  const std::string command = shell_line(start_command(make_start(job, parse_hosts("b:4"))));
  EXPECT_THAT(command, HasSubstr(" --host b:4 "));
  EXPECT_THAT(command, HasSubstr(" -n 4 "));
}

TEST(StartCommand, LinesAreQuotedForAShell) {
  EXPECT_EQ(shell_line({"a", "", "it's", "x=$y", "a/b.c:1,2"}), "a '' 'it'\\''s' 'x=$y' a/b.c:1,2");
}

}  // namespace
}  // namespace d2l::launch
