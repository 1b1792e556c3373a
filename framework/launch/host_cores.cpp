#include "framework/launch/host_cores.h"

#include <hwloc.h>

#include <memory>
#include <numeric>

#include "framework/base/affinity.h"
#include "framework/base/cpu_quota.h"
#include "framework/base/error.h"

namespace d2l::launch {
namespace {

struct DestroyTopology {
  void operator()(hwloc_topology_t topology) const { hwloc_topology_destroy(topology); }
};
using Topology = std::unique_ptr<hwloc_topology, DestroyTopology>;

Topology load_topology() {
  hwloc_topology_t topology = nullptr;
  check(hwloc_topology_init(&topology) == 0, "hwloc cannot describe this host");
  Topology owner(topology);
  check(hwloc_topology_load(topology) == 0, "hwloc cannot describe this host");
  return owner;
}

}  // namespace

int HostCores::total() const {
  return std::accumulate(of_numa_nodes.begin(), of_numa_nodes.end(), 0);
}

HostCores cores_of_this_host() {
  const Topology topology = load_topology();
  HostCores cores;
  hwloc_obj_t node = nullptr;
  while ((node = hwloc_get_next_obj_by_type(topology.get(), HWLOC_OBJ_NUMANODE, node)) != nullptr) {
    const int count =
        hwloc_get_nbobjs_inside_cpuset_by_type(topology.get(), node->cpuset, HWLOC_OBJ_CORE);
    if (count > 0) cores.of_numa_nodes.push_back(count);
  }
  const int threads = hwloc_get_nbobjs_by_type(topology.get(), HWLOC_OBJ_PU);
  const int usable = count_cores(available_cores());
  cores.limited = usable < threads;
  for (const CpuQuota& quota : cpu_quotas()) cores.limited |= quota.cores < threads;
  if (cores.of_numa_nodes.empty()) cores.of_numa_nodes = {usable};  // a system without NUMA nodes
  return cores;
}

}  // namespace d2l::launch
