#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace d2l {

// A control group whose processes get no more than so many cores' worth of time, all together.
struct CpuQuota {
  uint64_t group = 0;  // tells groups of one host apart
  double cores = 0;
};

// Of the control groups that this process is in and those above them, version 1 and 2, the ones
// with a limit. `root` holds the system's proc/ and the mount points that it names.
std::vector<CpuQuota> cpu_quotas(const std::filesystem::path& root = "/");

}  // namespace d2l
