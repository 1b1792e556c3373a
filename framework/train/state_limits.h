#pragma once

#include <string>

#include "framework/checkpoint/snapshot.h"
#include "framework/tensor/batch.h"
#include "framework/train/position.h"

namespace d2l {

// Whether a state can be one of a training on these data: every number is finite, counts are no
// less than 0 and fit each other, the metrics that `of` has are in their range, mean squares and
// variances are not negative. Pieces that are not there are not looked for. Throws Error that
// begins with `origin` and names the first piece that cannot be, what it may be and what it is.
void check_state_limits(const Snapshot& snapshot, const std::string& origin,
                        const BatchSource& data, const Position& of);

}  // namespace d2l
