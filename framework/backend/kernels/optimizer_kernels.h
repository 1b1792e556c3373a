#pragma once

#include <cstdint>

#include "framework/backend/kernels/observed_kernels.h"
#include "framework/backend/params.h"
#include "framework/backend/traffic.h"

namespace d2l {

// Steps of optimizers. See Kernels.
class OptimizerKernels : public virtual ObservedKernels {
 public:
  // --- optimizers: one pass over flat arrays [n] ---
  // velocity may be {} when momentum is 0.
  void sgd_step(const SgdParams& params, ConstView gradient, View value, View velocity) {
    observed({"sgd_step", Work::optimizer,
              covered_bytes(params.ranges, moved({gradient, value, velocity}, {value, velocity}),
                            value)},
             [&] { do_sgd_step(params, gradient, value, velocity); });
  }
  void adam_step(const AdamParams& params, ConstView gradient, View value, View mean, View square) {
    observed({"adam_step", Work::optimizer,
              covered_bytes(params.ranges,
                            moved({gradient, value, mean, square}, {value, mean, square}), value)},
             [&] { do_adam_step(params, gradient, value, mean, square); });
  }
  // The first half of LAMB (You et al., 2019): updates mean and square as Adam does; gradient
  // becomes the direction m / (sqrt(s) + epsilon) + weight_decay w, with bias-corrected m and s.
  void lamb_direction(const AdamParams& params, View gradient, ConstView value, View mean,
                      View square) {
    observed({"lamb_direction", Work::optimizer,
              moved({gradient, value, mean, square}, {gradient, mean, square})},
             [&] { do_lamb_direction(params, gradient, value, mean, square); });
  }
  // norms[i] = the L2 norm of x[ranges[i]]. The order of additions does not depend on the number of
  // threads.
  void norms(StepRanges ranges, ConstView x, View norms) {
    observed({"norms", Work::optimizer, covered_bytes(ranges, moved({x}, {}), x) + norms.bytes()},
             [&] { do_norms(ranges, x, norms); });
  }

 private:
  virtual void do_sgd_step(const SgdParams& params, ConstView gradient, View value,
                           View velocity) = 0;
  virtual void do_adam_step(const AdamParams& params, ConstView gradient, View value, View mean,
                            View square) = 0;
  virtual void do_lamb_direction(const AdamParams& params, View gradient, ConstView value,
                                 View mean, View square) = 0;
  virtual void do_norms(StepRanges ranges, ConstView x, View norms) = 0;

  // The bytes of flat arrays, in proportion to the part that an optimizer's ranges cover.
  static int64_t covered_bytes(StepRanges ranges, int64_t bytes, const ConstView& array) {
    if (ranges.empty() || array.elements() == 0) return bytes;
    int64_t covered = 0;
    for (const StepRange& range : ranges) covered += range.end - range.begin;
    return bytes / array.elements() * covered;  // the same number of bytes for each element
  }
};

}  // namespace d2l
