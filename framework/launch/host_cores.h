#pragma once

#include <vector>

namespace d2l::launch {

// The cores of this host that programs may use.
struct HostCores {
  std::vector<int> of_numa_nodes;  // cores of each NUMA node that has any
  // This process may use only a part of the host's cores, or of their time: its children inherit
  // the limit, and are not bound to cores.
  bool limited = false;

  int total() const;
};

HostCores cores_of_this_host();

}  // namespace d2l::launch
