#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace d2l {

// A control group (cgroup) that limits the CPU time of all its processes together.
struct CpuQuota {
  uint64_t group = 0;  // identifies the group on its host
  double cores = 0;
};

// The control groups (versions 1 and 2) with a limit, among those of this process and their
// parents. `root` contains the system's proc/ and the mount points named there.
std::vector<CpuQuota> cpu_quotas(const std::filesystem::path& root = "/");

}  // namespace d2l
