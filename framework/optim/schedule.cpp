#include "framework/optim/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace d2l {

double Schedule::at(int64_t step) const {
  auto ratio = [](int64_t a, int64_t b) { return static_cast<double>(a) / static_cast<double>(b); };
  if (step < warmup) return warmup_start + (lr - warmup_start) * ratio(step + 1, warmup);
  const double p = step < steps ? ratio(step - warmup, steps - warmup) : 1;
  switch (kind) {
    case Kind::constant:
      return lr;
    case Kind::step: {
      const int64_t falls = step / step_every;
      return lr * std::pow(gamma, static_cast<double>(falls));
    }
    case Kind::multistep: {
      auto passed = std::upper_bound(milestones.begin(), milestones.end(), step);
      return lr * std::pow(gamma, static_cast<double>(passed - milestones.begin()));
    }
    case Kind::polynomial:
      return final_lr + (lr - final_lr) * std::pow(1 - p, power);
    case Kind::cosine:
      return final_lr + (lr - final_lr) * (1 + std::cos(std::numbers::pi * p)) / 2;
  }
  return lr;
}

}  // namespace d2l
