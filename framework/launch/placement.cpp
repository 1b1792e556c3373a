#include "framework/launch/placement.h"

#include <algorithm>
#include <numeric>

#include "framework/base/error.h"

namespace d2l::launch {
namespace {

std::string padded(const std::string& text, size_t width) {
  return text + std::string(width - std::min(width, text.size()) + 2, ' ');
}

std::string ranks_text(const HostRanks& ranks) {
  if (ranks.count == 1) return std::to_string(ranks.first);
  return concat(ranks.first, "-", ranks.first + ranks.count - 1);
}

}  // namespace

std::vector<HostRanks> place_ranks(const std::vector<Host>& hosts, int ranks) {
  check(ranks <= total_slots(hosts), "expected at most ", total_slots(hosts),
        " ranks on these hosts, found ", ranks);
  std::vector<int> counts(hosts.size(), 0);
  // The next rank goes to the host whose slots are the least used.
  for (int rank = 0; rank < ranks; ++rank) {
    size_t best = 0;
    for (size_t i = 1; i < hosts.size(); ++i)
      if (int64_t{counts[i]} * hosts[best].slots < int64_t{counts[best]} * hosts[i].slots) best = i;
    ++counts[best];
  }
  std::vector<HostRanks> placement;
  int first = 0;
  for (size_t i = 0; i < hosts.size(); ++i) {
    if (counts[i] > 0) placement.push_back({hosts[i].name, first, counts[i]});
    first += counts[i];
  }
  return placement;
}

Binding bind_ranks(const std::vector<int>& cores, int ranks) {
  const int total = std::accumulate(cores.begin(), cores.end(), 0);
  if (ranks <= 1 || ranks > total) return {};
  const int fewest = *std::min_element(cores.begin(), cores.end());
  const bool equal = std::all_of(cores.begin(), cores.end(), [&](int n) { return n == fewest; });
  const int nodes = static_cast<int>(cores.size());
  if (nodes == 1) return {total / ranks, 0};
  // Open MPI numbers cores through all NUMA nodes: only whole nodes keep ranks apart.
  if (ranks < nodes) return equal ? Binding{nodes / ranks * fewest, 0} : Binding{};
  const int per_node = (ranks + nodes - 1) / nodes;
  return per_node <= fewest ? Binding{fewest / per_node, per_node} : Binding{};
}

std::string placement_table(const std::vector<HostRanks>& placement, const Binding& binding) {
  const std::string cores = binding.cores > 0 ? std::to_string(binding.cores) : "not bound";
  size_t width = 4;
  for (const HostRanks& ranks : placement) width = std::max(width, ranks.host.size());
  std::string table = padded("host", width) + padded("ranks", 9) + "cores per rank\n";
  for (const HostRanks& ranks : placement)
    table += padded(ranks.host, width) + padded(ranks_text(ranks), 9) + cores + "\n";
  return table;
}

}  // namespace d2l::launch
