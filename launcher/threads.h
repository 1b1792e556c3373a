#pragma once

#include <functional>
#include <limits>
#include <string>

namespace d2l::launcher {

// How many threads of a rank compute, and what decided it.
struct Threads {
  int count = 1;
  std::string why;
};

// What one rank finds on its host.
struct ThreadLimits {
  int own_cores = 1;    // that this rank may run on
  int local_cores = 1;  // that the ranks of its host may run on, all of them together
  int local_ranks = 1;
  double quota = std::numeric_limits<double>::infinity();  // of this rank, in cores' worth of time
};

// --threads where it is not 0; else OMP_NUM_THREADS; else the cores and quotas divided among the
// host's ranks. What was not asked for by --threads stays below OMP_THREAD_LIMIT. `variable`
// answers the value of a variable of the environment, or nullptr.
Threads choose_threads(int wanted, const ThreadLimits& limits,
                       const std::function<const char*(const char*)>& variable);

// "1 thread (cgroup quota)"
std::string to_string(const Threads& threads);

// What is to be said of more threads than the host's cores or a quota of time are for; "" if that
// is not so.
std::string warning_about(const Threads& threads, const ThreadLimits& limits);

}  // namespace d2l::launcher
