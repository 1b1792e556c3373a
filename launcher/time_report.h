#pragma once

#include <string>

#include "framework/backend/profiler.h"
#include "framework/train/trainer.h"

namespace d2l::launcher {

struct TimeSubject {
  Trainer& trainer;    // not started yet
  Profiler& profiler;  // of the compute backend
  DType activations = DType::f32;
  bool tf32 = false;  // whether f32 products use tf32
};

// The text of --time: how `steps` steps, after a few warm-up steps, spend their time; by layer in
// the order of the network, then by kind of work, compared with the device's peak rates from
// measured_limits() (launcher/limits.h); and which kernels computed the convolutions. On a GPU, the
// profiled steps wait for every operation, so as many steps are also timed without profiling. All
// ranks call it.
std::string time_report(const TimeSubject& subject, int64_t steps);

}  // namespace d2l::launcher
