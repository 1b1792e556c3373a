#pragma once

#include <string>
#include <vector>

#include "framework/launch/hosts.h"

namespace d2l::launch {

// The ranks of one host.
struct HostRanks {
  std::string host;
  int first = 0;  // its ranks have consecutive numbers
  int count = 0;
};

// Divides the ranks evenly among the hosts, in proportion to their slots. Hosts without ranks are
// left out. `ranks` is at most total_slots(hosts).
std::vector<HostRanks> place_ranks(const std::vector<Host>& hosts, int ranks);

// How the ranks of a host are bound to its cores.
struct Binding {
  int cores = 0;           // of each rank; 0: the ranks are not bound
  int ranks_per_numa = 0;  // 0: NUMA nodes play no role
};

// Divides the cores evenly among the ranks, so that no rank has cores of two NUMA nodes unless it
// has all cores of them. A single rank is not bound, and neither are more ranks than cores.
// `cores`: of each NUMA node.
Binding bind_ranks(const std::vector<int>& cores, int ranks);

// A table for users: hosts, their ranks and cores for each rank.
std::string placement_table(const std::vector<HostRanks>& placement, const Binding& binding);

}  // namespace d2l::launch
