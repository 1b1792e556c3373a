#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "framework/launch/hosts.h"

namespace d2l::launch {

// Returns the value of an environment variable, or nullptr.
using Lookup = std::function<const char*(const char*)>;

// The Slurm job inside of which this process runs.
struct SlurmAllocation {
  std::string job;          // its number
  std::vector<Host> nodes;  // slots: the CPUs of the job there
  int tasks = 0;            // as requested by the user; 0: unknown
};

// Nothing outside of a Slurm job. Throws Error if Slurm's variables contradict each other.
std::optional<SlurmAllocation> slurm_allocation(const Lookup& variable);

// Whether this process is itself one of several ranks, started by mpirun or srun.
bool is_a_rank(const Lookup& variable);

// "gpu[1-3,07],login" -> gpu1 gpu2 gpu3 gpu07 login. Throws Error.
std::vector<std::string> expand_nodes(const std::string& list);

// "4(x2),1" -> 4 4 1. Throws Error.
std::vector<int> expand_counts(const std::string& list);

}  // namespace d2l::launch
