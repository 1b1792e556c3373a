#pragma once

#include <cstdint>
#include <vector>

namespace d2l {

// The learning rate as a function of the step only, so that a resumed run continues the schedule.
// Steps count from 0. During the first `warmup` steps the rate rises linearly from warmup_start
// (the value one step before step 0) to `lr` (at the last warm-up step); then
//   constant    lr
//   step        lr gamma^k, with k = floor(step / step_every)
//   multistep   lr gamma^k, with k milestones at or before the step
//   polynomial  final_lr + (lr - final_lr) (1 - p)^power
//   cosine      final_lr + (lr - final_lr) (1 + cos(pi p)) / 2 (Loshchilov and Hutter, 2017)
// where p rises from 0 at step `warmup` to 1 at step `steps`, the first step after the run.
struct Schedule {
  enum class Kind { constant, step, multistep, polynomial, cosine };

  Kind kind = Kind::constant;
  double lr = 0.1;
  int64_t warmup = 0;
  double warmup_start = 0;
  int64_t steps = 0;  // of the whole run; polynomial and cosine only
  double final_lr = 0;
  double power = 2;
  double gamma = 0.1;
  int64_t step_every = 1;
  std::vector<int64_t> milestones = {};

  double at(int64_t step) const;
};

}  // namespace d2l
