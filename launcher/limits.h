#pragma once

#include <vector>

#include "framework/backend/profiler.h"

namespace d2l::launcher {

// Measures the device's peak rates: large matrix products of each of these types, and axpby of
// arrays larger than the caches. All ranks call it at the same time, so that they share the machine
// as in a step.
Limits measured_limits(Backend& backend, const std::vector<DType>& products);

}  // namespace d2l::launcher
