#include "framework/base/cpu_quota.h"

#include <sys/stat.h>

#include <fstream>
#include <optional>
#include <sstream>
#include <string>

namespace d2l {
namespace {

namespace fs = std::filesystem;

constexpr const char* kCpu = "cpu";  // the CPU controller's name in cgroup version 1

bool lists(const std::string& words, const std::string& word) {
  std::istringstream stream(words);
  for (std::string item; std::getline(stream, item, ',');)
    if (item == word) return true;
  return false;
}

// The path of this process's group from the top of the hierarchy. A line is
// NUMBER:CONTROLLERS:PATH; in version 2 it has no controllers.
std::optional<std::string> group_path(const fs::path& root, bool version2) {
  std::ifstream stream(root / "proc/self/cgroup");
  for (std::string line; std::getline(stream, line);) {
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (version2 ? controllers.empty() : lists(controllers, kCpu)) return line.substr(second + 1);
  }
  return std::nullopt;
}

// Where a cgroup hierarchy is mounted, and which of its groups is the root of the mount.
struct Mount {
  std::string group, point;
};

// Format of a line: ID PARENT DEVICE ROOT POINT OPTIONS [more] - TYPE SOURCE OPTIONS.
std::optional<Mount> find_mount(const fs::path& root, bool version2) {
  std::ifstream stream(root / "proc/self/mountinfo");
  for (std::string line; std::getline(stream, line);) {
    const size_t separator = line.find(" - ");
    if (separator == std::string::npos) continue;
    std::istringstream front(line), back(line.substr(separator + 3));
    std::string skipped, type, options;
    Mount mount;
    front >> skipped >> skipped >> skipped >> mount.group >> mount.point;
    back >> type >> skipped >> options;
    if (version2 ? type == "cgroup2" : type == "cgroup" && lists(options, kCpu)) return mount;
  }
  return std::nullopt;
}

// "150000 100000", or "max 100000"
std::optional<double> limit2(const fs::path& folder) {
  std::ifstream stream(folder / "cpu.max");
  double quota = 0, period = 0;
  if (stream >> quota >> period && quota > 0 && period > 0) return quota / period;
  return std::nullopt;
}

// Returns nothing if the quota is -1 (no limit).
std::optional<double> limit1(const fs::path& folder) {
  std::ifstream quota_file(folder / "cpu.cfs_quota_us"), period_file(folder / "cpu.cfs_period_us");
  double quota = 0, period = 0;
  if (quota_file >> quota && period_file >> period && quota > 0 && period > 0)
    return quota / period;
  return std::nullopt;
}

uint64_t identity(const fs::path& folder) {
  struct stat status {};
  if (::stat(folder.c_str(), &status) != 0) return 0;
  return static_cast<uint64_t>(status.st_dev) << 48 ^ static_cast<uint64_t>(status.st_ino);
}

void add_quotas(const fs::path& root, bool version2, std::vector<CpuQuota>& quotas) {
  const auto group = group_path(root, version2);
  const auto mount = find_mount(root, version2);
  if (!group || !mount) return;
  // In a container the root of the mount may be its own group, or a group above it.
  const std::string seen = mount->group == "/" ? "" : mount->group;
  const bool below = group->starts_with(seen + "/") && group->find("/..") == std::string::npos;
  const std::string under = below ? group->substr(seen.size() + 1) : "";
  const fs::path top = root / fs::path(mount->point).relative_path();
  fs::path folder = under.empty() ? top : top / under;
  for (;; folder = folder.parent_path()) {
    const std::optional<double> cores = version2 ? limit2(folder) : limit1(folder);
    if (cores) quotas.push_back({identity(folder), *cores});
    if (folder.native().size() <= top.native().size()) return;
  }
}

}  // namespace

std::vector<CpuQuota> cpu_quotas(const fs::path& root) {
  std::vector<CpuQuota> quotas;
  for (bool version2 : {true, false}) add_quotas(root, version2, quotas);
  return quotas;
}

}  // namespace d2l
