#pragma once

#include <vector>

#include "launcher/options/option.h"

namespace d2l::launcher {

struct Config;

enum class LossChoice { automatic, cross_entropy, squared, l1, huber };
template <>
const WordTable<LossChoice>& words_of();

struct RegularisationConfig {
  LossChoice loss = LossChoice::automatic;
  double huber_delta = 1;
  double label_smoothing = 0;
  double clip_value = 0;  // 0: not clipped, both
  double clip_norm = 0;
  double ema = 0;  // 0: none

  bool operator==(const RegularisationConfig&) const = default;
};

std::vector<Option> regularisation_options();

}  // namespace d2l::launcher
