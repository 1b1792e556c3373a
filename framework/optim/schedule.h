#pragma once

#include <cstdint>
#include <vector>

namespace d2l {

// The learning rate as a function of the step alone, so that a run that is resumed finds its place
// in it. Steps count from 0. During the first `warmup` steps it rises in a line from warmup_start,
// which would be the step before the first, to `lr` at the last of them; then
//   constant    lr
//   step        lr gamma^k, with k = floor(step / step_every)
//   multistep   lr gamma^k, with k milestones at or before the step
//   polynomial  final_lr + (lr - final_lr) (1 - p)^power
//   cosine      final_lr + (lr - final_lr) (1 + cos(pi p)) / 2 (Loshchilov and Hutter, 2017)
// where p goes from 0 at step `warmup` to 1 at step `steps`, which is the first after the run.
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
