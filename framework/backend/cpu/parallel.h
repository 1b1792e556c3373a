#pragma once

#include <omp.h>

#include <algorithm>
#include <cstdint>

#include "framework/base/simd.h"

// The backend's interface to OpenMP. oneDNN uses the same thread teams.

namespace d2l::cpu {

// The size of the pieces of a loop. A loop with fewer elements runs on one thread.
inline constexpr int64_t kGrain = 16384;

// From now on, parallel regions of the calling thread, including oneDNN's, have exactly `threads`
// threads, whatever OMP_DYNAMIC and similar variables say: oneDNN splits its work for the requested
// team, and if a thread is missing, its part is never computed. Throws Error if teams turn out to
// be smaller (OMP_THREAD_LIMIT), or if the system does not let as many threads start.
void set_team(int threads);

// The number of threads in teams of the calling thread, for what is split or allocated per thread
// in advance. Throws Error in a thread that has not called set_team().
int team_size();

// While it lives, parallel regions that the calling thread begins, including oneDNN's, have one
// thread.
class TeamOfOne {
 public:
  TeamOfOne() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~TeamOfOne() { omp_set_num_threads(before_); }
  TeamOfOne(const TeamOfOne&) = delete;
  TeamOfOne& operator=(const TeamOfOne&) = delete;

 private:
  int before_;
};

// The calling thread's number in its team, from 0.
inline int number_in_team() { return omp_get_thread_num(); }

// Calls body(begin, end) for consecutive pieces of [0, count) on the backend's threads. The pieces
// depend on `grain` alone (the last may be smaller), not on the number of threads. So a body that
// writes one partial result per piece gives the same bits with any number of threads. A single
// piece runs on the calling thread.
template <class Body>
void parallel_for(int64_t count, int64_t grain, const Body& body) {
  int64_t pieces = (count + grain - 1) / grain;
  if (pieces <= 1) {
    if (count > 0) body(int64_t{0}, count);
    return;
  }
#pragma omp parallel for schedule(static)
  for (int64_t piece = 0; piece < pieces; ++piece)
    body(piece * grain, std::min(count, (piece + 1) * grain));
}

}  // namespace d2l::cpu
