#include "framework/backend/cpu/parallel.h"

#include <latch>
#include <system_error>
#include <thread>
#include <vector>

#include "framework/backend/backend.h"
#include "framework/base/affinity.h"
#include "framework/base/error.h"

namespace d2l::cpu {
namespace {

thread_local int size_of_teams = 0;

// How many of `threads` threads can run at the same time, including this one.
int startable(int threads) {
  std::latch end(1);
  std::vector<std::thread> started;
  started.reserve(static_cast<size_t>(threads));
  try {
    while (static_cast<int>(started.size()) < threads - 1)
      started.emplace_back([&end] { end.wait(); });
  } catch (const std::system_error&) {
    // no more threads: count those that have started
  }
  end.count_down();
  for (std::thread& thread : started) thread.join();
  return static_cast<int>(started.size()) + 1;
}

int real_team() {
  int size = 0;
#pragma omp parallel
  {
#pragma omp single
    size = omp_get_num_threads();
  }
  return size;
}

}  // namespace

void set_team(int threads) {
  check(threads >= 1, "the CPU backend needs at least 1 thread, found ", threads);
  // OpenMP's runtime would end the program if a thread cannot start.
  const int possible = startable(threads);
  check(possible == threads, "expected to start ", threads, " threads, the system allows ",
        possible, " (ulimit -u, or pids.max of the cgroup)");
  omp_set_dynamic(0);
  omp_set_max_active_levels(1);
  omp_set_num_threads(threads);
  const int size = real_team();
  check(size == threads, "expected OpenMP teams of ", threads, " threads, found teams of ", size,
        " (OMP_THREAD_LIMIT allows ", omp_get_thread_limit(), ")");
  size_of_teams = threads;
}

int team_size() {
  check(size_of_teams > 0, "the CPU backend computes in threads that have made one only");
  return size_of_teams;
}

}  // namespace d2l::cpu

namespace d2l {

std::vector<uint64_t> cores_for_threads() {
  std::vector<uint64_t> cores = available_cores();
  for (int place = 0; place < omp_get_num_places(); ++place) {
    std::vector<int> ids(static_cast<size_t>(omp_get_place_num_procs(place)));
    omp_get_place_proc_ids(place, ids.data());
    for (const int id : ids)
      if (static_cast<size_t>(id) / 64 < cores.size())
        cores[static_cast<size_t>(id) / 64] |= uint64_t{1} << (id % 64);
  }
  return cores;
}

}  // namespace d2l
