#pragma once

#include <string>

#include "framework/backend/profiler.h"
#include "framework/train/trainer.h"

namespace d2l::launcher {

struct TimeSubject {
  Trainer& trainer;    // that has not begun
  Profiler& profiler;  // of the backend that computes
  DType activations = DType::f32;
  bool tf32 = false;  // what products of f32 numbers are
};

// What --time prints: where the time of `steps` steps goes, after a few of warm-up; layer by layer
// in the order of the network, then by kind of work, next to what the device can do at most by
// measured_limits() (launcher/limits.h), and which kernels computed the convolutions. On a GPU,
// where every operation is then waited for, as many steps without that are timed as well. With
// several ranks all of them call it.
std::string time_report(const TimeSubject& subject, int64_t steps);

}  // namespace d2l::launcher
