#pragma once

#include <omp.h>

#include <algorithm>
#include <cstdint>

#include "framework/base/simd.h"

// All that the backend says to OpenMP, whose teams oneDNN uses too.

namespace d2l::cpu {

// Elements below which a loop is not worth a second thread; also how loops are cut into pieces.
inline constexpr int64_t kGrain = 16384;

// Teams of the calling thread, oneDNN's too, have exactly so many threads from now on, whatever
// OMP_DYNAMIC and the like ask for: oneDNN cuts its work for the team that it asks for, and what a
// thread that does not come would have done stays undone. Throws Error where teams turn out to be
// smaller (OMP_THREAD_LIMIT), or where the system does not let so many threads start.
void set_team(int threads);

// The threads that teams of the calling thread have, for what is cut or made for each of them
// beforehand. Throws Error in a thread that has not called set_team().
int team_size();

// The calling thread's number in its team, from 0.
inline int number_in_team() { return omp_get_thread_num(); }

// Calls body(begin, end) for consecutive pieces of [0, count), spread over the backend's threads.
// Pieces are cut by `grain` alone (the last may be smaller), never by the number of threads, so a
// body that writes one partial result per piece gives the same bits on any number of threads.
// Less than two pieces run on the calling thread.
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
