#include "framework/launch/job.h"

#include <algorithm>

#include "framework/launch/host_cores.h"

namespace d2l::launch {
namespace {

// The hosts' cores are not known, except this host's and those of a Slurm job.
Binding known_binding(const Job& job, const std::vector<Host>& hosts, Start& start) {
  if (job.one_host) {
    const HostCores cores = cores_of_this_host();
    start.more_ranks_than_cores = start.placement[0].count > cores.total();
    return cores.limited ? Binding{} : bind_ranks(cores.of_numa_nodes, start.placement[0].count);
  }
  if (job.starter == Starter::mpirun) return {};
  int cores = INT32_MAX;
  for (const HostRanks& ranks : start.placement)
    for (const Host& host : hosts)
      if (host.name == ranks.host) cores = std::min(cores, host.slots / ranks.count);
  start.more_ranks_than_cores = cores == 0;
  return {cores, 0};
}

}  // namespace

Start make_start(const Job& job, const std::vector<Host>& hosts) {
  Start start{.starter = job.starter,
              .path = job.starter_path,
              .placement = {},
              .one_host = job.one_host,
              .binding = {},
              .tagged = job.prefix,
              .variables = job.variables,
              .program = job.program};
  start.placement = job.one_host ? std::vector<HostRanks>{{hosts[0].name, 0, job.ranks}}
                                 : place_ranks(hosts, std::min(job.ranks, total_slots(hosts)));
  start.binding = known_binding(job, hosts, start);
  if (job.cores_per_rank) start.binding = {*job.cores_per_rank, 0};
  return start;
}

}  // namespace d2l::launch
