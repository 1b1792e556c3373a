#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "framework/base/files.h"
#include "framework/launch/environment.h"
#include "framework/launch/host_cores.h"
#include "tests/support/support.h"

namespace d2l::launch {

// For GoogleMock.
static bool operator==(const Host& a, const Host& b) {
  return a.name == b.name && a.slots == b.slots;
}

namespace {

using test::message_of;
using testing::ElementsAre;
using testing::HasSubstr;

Lookup variables(const std::map<std::string, std::string>& values) {
  return [values](const char* name) {
    const auto found = values.find(name);
    return found == values.end() ? nullptr : found->second.c_str();
  };
}

TEST(Hosts, ListsHaveNamesAndSlots) {
  EXPECT_THAT(parse_hosts("a:4,b-1.x:2,c"),
              ElementsAre(Host{"a", 4}, Host{"b-1.x", 2}, Host{"c", 1}));
  EXPECT_THAT(parse_hosts("a:4,b,a"), ElementsAre(Host{"a", 5}, Host{"b", 1}));
  EXPECT_EQ(total_slots(parse_hosts("a:4,b:3")), 7);
}

TEST(Hosts, RefusesOtherLists) {
  for (const char* text : {"", "a,,b", ",a", "-oProxyCommand=x", "a b", "a;b", "$a", ":4"})
    EXPECT_THAT(message_of([&] { parse_hosts(text); }), HasSubstr("expected the name of a host"))
        << text;
  for (const char* text : {"a:", "a:0", "a:-1", "a:x", "a:2x", "a:1000001", "a:99999999999999999"})
    EXPECT_THAT(message_of([&] { parse_hosts(text); }), HasSubstr("--hosts: slots of a: expected"))
        << text;
}

TEST(Hosts, FilesHaveTheFormOfOpenMpi) {
  const test::TemporaryFolder folder;
  const auto path = folder.path() / "hosts";
  write_text_file(path, "# a cluster\n\na slots=4 max_slots=8\n  b:2  # comment\nc\na slots=1\n");
  EXPECT_THAT(read_hostfile(path), ElementsAre(Host{"a", 5}, Host{"b", 2}, Host{"c", 1}));
  write_text_file(path, "a slots=4\nb cores=2\n");
  EXPECT_EQ(message_of([&] { read_hostfile(path); }),
            "--hostfile " + path.string() + ":2: expected 'slots=NUMBER', found 'cores=2'");
  write_text_file(path, "# nothing\n");
  EXPECT_THAT(message_of([&] { read_hostfile(path); }), HasSubstr("expected hosts, found none"));
  EXPECT_THAT(message_of([&] { read_hostfile(path / "x"); }), HasSubstr("--hostfile: "));
}

TEST(Hosts, KnowsThisHost) {
  const std::string own = this_host();
  EXPECT_TRUE(is_this_host(own));
  EXPECT_TRUE(is_this_host("localhost"));
  EXPECT_TRUE(is_this_host(own.substr(0, own.find('.'))));
  EXPECT_FALSE(is_this_host(own + "x"));
  EXPECT_FALSE(is_this_host("10.0.0.1"));
}

TEST(Slurm, ListsOfNodesAreExpanded) {
  EXPECT_THAT(expand_nodes("node1"), ElementsAre("node1"));
  EXPECT_THAT(expand_nodes("gpu[1-2,007-010],login"),
              ElementsAre("gpu1", "gpu2", "gpu007", "gpu008", "gpu009", "gpu010", "login"));
  EXPECT_THAT(expand_nodes("r[1-2]n[3-4]x"), ElementsAre("r1n3x", "r1n4x", "r2n3x", "r2n4x"));
  for (const char* list : {"a[", "a[1", "a[x]", "a[1-]", "a[1-99999999999]"})
    EXPECT_THAT(message_of([&] { expand_nodes(list); }), HasSubstr("Slurm's list of nodes"))
        << list;
}

TEST(Slurm, CountsAreExpanded) {
  EXPECT_THAT(expand_counts("4(x2),1"), ElementsAre(4, 4, 1));
  EXPECT_THAT(expand_counts(""), ElementsAre());
  for (const char* list : {"4(x", "x", "4(y2)", "4(x2"})
    EXPECT_THAT(message_of([&] { expand_counts(list); }), HasSubstr("Slurm's list of counts"))
        << list;
}

TEST(Slurm, AJobHasNodesWithCpus) {
  EXPECT_FALSE(slurm_allocation(variables({})));
  std::map<std::string, std::string> values = {{"SLURM_JOB_ID", "7"},
                                               {"SLURM_JOB_NODELIST", "n[1-2],m"},
                                               {"SLURM_JOB_CPUS_PER_NODE", "8(x2),4"},
                                               {"SLURM_NTASKS", "5"}};
  const auto allocation = slurm_allocation(variables(values));
  ASSERT_TRUE(allocation);
  EXPECT_EQ(allocation->job, "7");
  EXPECT_EQ(allocation->tasks, 5);
  EXPECT_THAT(allocation->nodes, ElementsAre(Host{"n1", 8}, Host{"n2", 8}, Host{"m", 4}));
  values["SLURM_JOB_CPUS_PER_NODE"] = "8(x2)";
  EXPECT_EQ(message_of([&] { slurm_allocation(variables(values)); }),
            "SLURM_JOB_CPUS_PER_NODE: expected 3 counts for SLURM_JOB_NODELIST=n[1-2],m, found 2");
}

TEST(Slurm, KnowsWhetherThisProcessIsARank) {
  EXPECT_FALSE(is_a_rank(variables({{"SLURM_JOB_ID", "7"}})));
  EXPECT_FALSE(is_a_rank(variables({{"SLURM_STEP_NUM_TASKS", "1"}})));
  EXPECT_TRUE(is_a_rank(variables({{"SLURM_STEP_NUM_TASKS", "2"}})));
  EXPECT_TRUE(is_a_rank(variables({{"OMPI_COMM_WORLD_RANK", "0"}})));
  EXPECT_TRUE(is_a_rank(variables({{"PMIX_RANK", "0"}})));
}

TEST(HostCores, AreAtLeastOneOnEachNumaNode) {
  const HostCores cores = cores_of_this_host();
  ASSERT_FALSE(cores.of_numa_nodes.empty());
  for (const int count : cores.of_numa_nodes) EXPECT_GE(count, 1);
}

}  // namespace
}  // namespace d2l::launch
