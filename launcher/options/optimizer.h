#pragma once

#include <vector>

#include "framework/optim/step_ranges.h"
#include "launcher/options/lr_multiplier.h"
#include "launcher/options/option.h"

namespace d2l::launcher {

struct Config;

enum class OptimizerChoice { sgd, adam, adamw, lars, lamb };
template <>
const WordTable<OptimizerChoice>& words_of();
template <>
const WordTable<Decay>& words_of();

struct OptimizerConfig {
  OptimizerChoice kind = OptimizerChoice::sgd;
  double lr = 0.1;
  // Factors on the learning rate: see RateFactors.
  std::vector<LrMultiplier> lr_mult = {};  // the last one that matches a parameter applies to it
  double head_lr_mult = 1;
  double lr_decay_by_depth = 1;
  double momentum = 0;
  bool nesterov = false;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 0;  // 0: the optimizer's own
  double weight_decay = 0;
  Decay decay = Decay::all;
  double lars_eta = 0.001;
  bool shard = false;

  bool operator==(const OptimizerConfig&) const = default;
};

std::vector<Option> optimizer_options();
void check_optimizer(const Config& config, const Given& given);

}  // namespace d2l::launcher
