#pragma once

#include <vector>

#include "framework/backend/profiler.h"

namespace d2l::launcher {

// What the device does at most, measured: large matrix products of each of these types, and axpby
// of arrays that no cache holds. With several ranks all of them call it, and share the machine as
// they do in a step.
Limits measured_limits(Backend& backend, const std::vector<DType>& products);

}  // namespace d2l::launcher
