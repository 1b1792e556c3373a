#include "framework/base/cpu_quota.h"

#include <gmock/gmock.h>

#include <fstream>

#include "tests/support/support.h"

namespace d2l {
namespace {

namespace fs = std::filesystem;
using testing::IsEmpty;

// A simulated system with control groups.
class CpuQuotas : public testing::Test {
 protected:
  void put(const std::string& path, const std::string& text) const {
    const fs::path file = folder_.path() / path;
    fs::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  std::vector<double> cores() const {
    std::vector<double> found;
    for (const CpuQuota& quota : cpu_quotas(folder_.path())) found.push_back(quota.cores);
    return found;
  }

  const test::TemporaryFolder folder_;
};

constexpr const char* kMount2 =
    "24 1 0:22 / / rw - ext4 /dev/vda rw\n"
    "30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";

TEST_F(CpuQuotas, OfTheOwnGroupAndAllAboveIt) {
  put("proc/self/mountinfo", kMount2);
  put("proc/self/cgroup", "0::/slurm/job_7/step_0\n");
  put("sys/fs/cgroup/slurm/cpu.max", "800000 100000\n");
  put("sys/fs/cgroup/slurm/job_7/cpu.max", "150000 100000\n");
  put("sys/fs/cgroup/slurm/job_7/step_0/cpu.max", "max 100000\n");
  EXPECT_EQ(cores(), (std::vector<double>{1.5, 8}));
  put("sys/fs/cgroup/slurm/job_7/step_0/cpu.max", "25000 50000\n");
  EXPECT_EQ(cores(), (std::vector<double>{0.5, 1.5, 8}));
}

TEST_F(CpuQuotas, OfVersion1BesideOtherControllers) {
  put("proc/self/mountinfo",
      "31 24 0:27 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
      "32 24 0:28 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n");
  put("proc/self/cgroup", "5:cpuset:/other\n4:cpu,cpuacct:/job\n0::/\n");
  const std::string group = "sys/fs/cgroup/cpu,cpuacct/job/";
  put(group + "cpu.cfs_quota_us", "-1\n");
  put(group + "cpu.cfs_period_us", "100000\n");
  EXPECT_THAT(cores(), IsEmpty());
  put(group + "cpu.cfs_quota_us", "200000\n");
  EXPECT_EQ(cores(), (std::vector<double>{2}));
}

// A container sees its group mounted as the root of the hierarchy.
TEST_F(CpuQuotas, OfAContainersGroup) {
  put("proc/self/mountinfo", "30 24 0:26 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup rw\n");
  put("proc/self/cgroup", "0::/docker/abc/inner\n");
  put("sys/fs/cgroup/cpu.max", "300000 100000\n");
  put("sys/fs/cgroup/inner/cpu.max", "400000 100000\n");
  EXPECT_EQ(cores(), (std::vector<double>{4, 3}));
  put("proc/self/cgroup", "0::/../elsewhere\n");
  put("sys/fs/elsewhere/cpu.max", "100000 100000\n");
  EXPECT_EQ(cores(), (std::vector<double>{3}));
}

TEST_F(CpuQuotas, OfTheTopIsReadOnce) {
  put("proc/self/mountinfo", kMount2);
  put("proc/self/cgroup", "0::/\n");
  put("sys/fs/cgroup/cpu.max", "100000 100000\n");
  EXPECT_EQ(cores(), (std::vector<double>{1}));
}

TEST_F(CpuQuotas, NoneWhereNothingIsKnown) {
  EXPECT_THAT(cores(), IsEmpty());
  put("proc/self/cgroup", "nonsense\n");
  put("proc/self/mountinfo", "nonsense\n");
  EXPECT_THAT(cores(), IsEmpty());
  put("proc/self/mountinfo", kMount2);
  put("proc/self/cgroup", "0::/job\n");
  put("sys/fs/cgroup/job/cpu.max", "");
  EXPECT_THAT(cores(), IsEmpty());
}

TEST_F(CpuQuotas, TellGroupsApart) {
  put("proc/self/mountinfo", kMount2);
  put("proc/self/cgroup", "0::/job/step\n");
  put("sys/fs/cgroup/job/cpu.max", "100000 100000\n");
  put("sys/fs/cgroup/job/step/cpu.max", "100000 100000\n");
  const std::vector<CpuQuota> quotas = cpu_quotas(folder_.path());
  ASSERT_EQ(quotas.size(), 2u);
  EXPECT_NE(quotas[0].group, quotas[1].group);
  EXPECT_EQ(cpu_quotas(folder_.path())[0].group, quotas[0].group);
}

}  // namespace
}  // namespace d2l
