#pragma once

#include <functional>
#include <limits>
#include <optional>
#include <string>

namespace d2l::launcher {

// The number of compute threads of a rank and the reason for it.
struct Threads {
  int count = 1;
  std::string why;
};

// The limits that one rank finds on its host.
struct ThreadLimits {
  int own_cores = 1;    // cores that this rank may use
  int local_cores = 1;  // cores that all ranks of its host may use together
  int local_ranks = 1;
  double quota = std::numeric_limits<double>::infinity();  // CPU time for this rank, in cores
};

// `wanted` (--threads) if it is not 0; otherwise OMP_NUM_THREADS; otherwise the rank's share of the
// host's cores and quotas. Except for --threads, OMP_THREAD_LIMIT is an upper limit. `variable`
// returns the value of an environment variable, or nullptr.
Threads choose_threads(int wanted, const ThreadLimits& limits,
                       const std::function<const char*(const char*)>& variable);

// The number of threads of a rank that load data: `wanted`, or the rank's share of the host's cores
// and quotas that the computation leaves free, at least 1 and at most `most`. `computing`: the
// rank's threads that compute.
int choose_loader_threads(std::optional<int> wanted, int computing, int most,
                          const ThreadLimits& limits);

// "1 thread (cgroup quota)"
std::string to_string(const Threads& threads);

// A warning if there are more threads than cores on the host or than the CPU quota allows;
// otherwise "".
std::string warning_about(const Threads& threads, const ThreadLimits& limits);

}  // namespace d2l::launcher
