#include "launcher/options/optimizer.h"

#include <algorithm>
#include <initializer_list>

#include "launcher/options/option_group.h"
#include "launcher/options/usage.h"

namespace d2l::launcher {
namespace {

using enum OptimizerChoice;
constexpr std::initializer_list<OptimizerChoice> kWithMomentum = {sgd, lars};
constexpr std::initializer_list<OptimizerChoice> kWithMoments = {adam, adamw, lamb};
constexpr std::initializer_list<OptimizerChoice> kWithTrustRatio = {lars, lamb};

bool is_one_of(OptimizerChoice kind, std::initializer_list<OptimizerChoice> kinds) {
  return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

}  // namespace

template <>
const WordTable<OptimizerChoice>& words_of() {
  static const WordTable<OptimizerChoice> kWords = {
      {sgd, "sgd"}, {adam, "adam"}, {adamw, "adamw"}, {lars, "lars"}, {lamb, "lamb"}};
  return kWords;
}

template <>
const WordTable<Decay>& words_of() {
  static const WordTable<Decay> kWords = {{Decay::all, "all"}, {Decay::weights, "weights"}};
  return kWords;
}

std::vector<Option> optimizer_options() {
  using enum ResumeRule;
  OptionGroup group("Optimizer", &Config::optimizer);
  const auto number = [&](const char* name, double OptimizerConfig::*member, ResumeRule rule,
                          const char* help) -> Option& {
    return group.add(name, "X", member, rule, help).from(0);
  };
  group.add("optimizer", &OptimizerConfig::kind, fixed_in_run, "optimization method");
  number("lr", &OptimizerConfig::lr, may_change, "learning rate; with --schedule, its maximum")
      .above(0);
  group
      .add("lr-mult", "PATTERN:FACTOR,...", &OptimizerConfig::lr_mult, may_change,
           "multiply the learning rate of the parameters whose names match a pattern, for example "
           "layer1.*:0.1; 0: do not change them. The last pattern that matches a name applies")
      .may_be_empty();
  number("head-lr-mult", &OptimizerConfig::head_lr_mult, may_change,
         "multiply the learning rate of the head, which is the network's last linear layer or "
         "convolution");
  number(
      "lr-decay-by-depth", &OptimizerConfig::lr_decay_by_depth, may_change,
      "multiply the learning rate of the layer before the head by X, of the layer before that by X "
      "squared, and so on to the first one. A block of a network counts as one layer")
      .above(0)
      .up_to(1);
  number("momentum", &OptimizerConfig::momentum, zero_fixed_in_run, "momentum of sgd and lars")
      .below(1)
      .only_with("optimizer", kWithMomentum);
  group
      .add("nesterov", &OptimizerConfig::nesterov, may_change, "Nesterov momentum for sgd and lars")
      .only_with("optimizer", kWithMomentum);
  number("beta1", &OptimizerConfig::beta1, may_change,
         "decay rate of the moving average of gradients (adam, adamw, lamb)")
      .below(1)
      .only_with("optimizer", kWithMoments);
  number("beta2", &OptimizerConfig::beta2, may_change,
         "decay rate of the moving average of squared gradients (adam, adamw, lamb)")
      .below(1)
      .only_with("optimizer", kWithMoments);
  number("epsilon", &OptimizerConfig::epsilon, may_change,
         "added to the denominator for numerical stability (adam, adamw, lamb), at least 1e-30. 0 "
         "means 1e-8 for adam and adamw, and 1e-6 for lamb")
      .only_with("optimizer", kWithMoments);
  number("weight-decay", &OptimizerConfig::weight_decay, may_change,
         "weight decay coefficient. sgd, lars, adam: added to the gradient (L2 regularisation). "
         "adamw, lamb: decoupled from the gradient");
  group.add("decay", &OptimizerConfig::decay, may_change,
            "parameters to which weight decay applies, and with lars and lamb also the layer-wise "
            "learning rates. all: all parameters. weights: all parameters except those with one "
            "axis (biases and the parameters of normalisations)");
  number("lars-eta", &OptimizerConfig::lars_eta, may_change, "trust coefficient of lars")
      .above(0)
      .only_with("optimizer", {lars});
  group.add("shard-optimizer", &OptimizerConfig::shard, may_change,
            "each rank updates only its part of the parameters, and has the optimizer's state only "
            "for this part (ZeRO stage 1). The result is the same; checkpoints are whole and "
            "independent of the number of ranks");
  return group.options();
}

void check_optimizer(const Config& config, const Given& given) {
  const OptimizerConfig& optimizer = config.optimizer;
  if (is_one_of(optimizer.kind, kWithMomentum) && optimizer.nesterov && optimizer.momentum == 0)
    usage("--nesterov on expects a --momentum above 0, found 0");
  if (optimizer.epsilon > 0 && optimizer.epsilon < 1e-30)
    usage("--epsilon expects 0 or at least 1e-30, found ", optimizer.epsilon);
  const bool without_effect = optimizer.decay == Decay::weights && optimizer.weight_decay == 0 &&
                              !is_one_of(optimizer.kind, kWithTrustRatio);
  if (given.count("decay") && without_effect)
    usage("--decay weights has no effect without --weight-decay");
}

}  // namespace d2l::launcher
