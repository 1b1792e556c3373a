#pragma once

#include <string>

#include "framework/checkpoint/snapshot.h"
#include "framework/tensor/batch.h"
#include "framework/train/position.h"

namespace d2l {

// Checks that training on these data can produce this state: all numbers are finite, counts are
// non-negative and consistent, the metrics that `of` lists are in their ranges, mean squares and
// variances are not negative. Missing pieces are not checked. Throws Error that begins with
// `origin` and names the first invalid piece, its valid range and its value.
void check_state_limits(const Snapshot& snapshot, const std::string& origin,
                        const BatchSource& data, const Position& of);

}  // namespace d2l
