#pragma once

#include <algorithm>
#include <cstdint>

#include "framework/base/simd.h"

namespace d2l::cpu {

// Elements below which a loop is not worth a second thread; also how loops are cut into pieces.
inline constexpr int64_t kGrain = 16384;

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
