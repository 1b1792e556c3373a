#include "framework/comm/launch_environment.h"

#include <gmock/gmock.h>

#include <map>

#include "framework/base/files.h"
#include "tests/support/support.h"

namespace d2l {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Key;
using testing::Not;
using testing::Pair;

LaunchEnvironment read(const std::map<std::string, std::string>& variables) {
  return LaunchEnvironment::read([&](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

TEST(LaunchEnvironment, OneProcessAlone) {
  const auto launch = read({});
  EXPECT_FALSE(launch.under_mpi);
  EXPECT_EQ(launch.unconnected_tasks, 0);
  EXPECT_THAT(launch.settings(), Contains(Key("OMPI_MCA_ess_singleton_isolated")));
}

TEST(LaunchEnvironment, MpirunOnOneHostAndOnTwo) {
  const auto one = read({{"OMPI_COMM_WORLD_SIZE", "4"}, {"OMPI_COMM_WORLD_LOCAL_SIZE", "4"}});
  EXPECT_TRUE(one.under_mpi);
  EXPECT_TRUE(one.one_host);
  EXPECT_THAT(one.settings(), Contains(Key("OMPI_MCA_pml")));
  EXPECT_THAT(one.settings(), Not(Contains(Key("OMPI_MCA_ess_singleton_isolated"))));

  const auto two = read({{"OMPI_COMM_WORLD_SIZE", "4"}, {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"}});
  EXPECT_TRUE(two.under_mpi);
  EXPECT_FALSE(two.one_host);
  EXPECT_THAT(two.settings(), Not(Contains(Key("OMPI_MCA_pml"))));  // fabrics must be found
}

TEST(LaunchEnvironment, SrunWithAndWithoutPmix) {
  std::map<std::string, std::string> variables = {
      {"SLURM_PROCID", "2"}, {"SLURM_STEP_NUM_TASKS", "8"}, {"SLURM_STEP_NUM_NODES", "2"}};
  const auto unconnected = read(variables);
  EXPECT_EQ(unconnected.unconnected_tasks, 8);
  EXPECT_THAT(unconnected.unconnected_message(), HasSubstr("8 tasks"));

  variables["PMIX_RANK"] = "2";
  const auto pmix = read(variables);
  EXPECT_TRUE(pmix.under_mpi);
  EXPECT_EQ(pmix.unconnected_tasks, 0);
  EXPECT_FALSE(pmix.one_host);
}

// In a batch script of many tasks, a program started without srun is one process, not many.
TEST(LaunchEnvironment, BatchScriptOrOneTaskIsNotUnconnected) {
  EXPECT_EQ(read({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "8"}}).unconnected_tasks, 0);
  EXPECT_EQ(read({{"SLURM_PROCID", "0"}, {"SLURM_STEP_NUM_TASKS", "1"}}).unconnected_tasks, 0);
}

TEST(LaunchEnvironment, AnotherMpisLauncher) {
  EXPECT_EQ(read({{"PMI_RANK", "0"}, {"PMI_SIZE", "3"}}).unconnected_tasks, 3);
}

TEST(LaunchEnvironment, OneSpeaksBeforeMpiIsUp) {
  EXPECT_TRUE(read({}).is_reporting_rank);
  EXPECT_TRUE(read({{"OMPI_COMM_WORLD_RANK", "0"}, {"SLURM_PROCID", "3"}}).is_reporting_rank);
  for (const char* rank : {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "SLURM_PROCID", "PMI_RANK"})
    EXPECT_FALSE(read({{rank, "1"}}).is_reporting_rank) << rank;
}

TEST(PackageSettings, OnlyAPackageHasSome) {
  const test::TemporaryFolder folder;
  EXPECT_THAT(package_settings(folder.path()), IsEmpty());
  std::filesystem::create_directories(folder.path() / "libexec");
  write_text_file(folder.path() / "libexec/orted", "");
  EXPECT_THAT(package_settings(folder.path()),
              Contains(Pair("OPAL_PKGLIBDIR", (folder.path() / "lib/openmpi").string())));
}

}  // namespace
}  // namespace d2l
