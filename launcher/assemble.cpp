#include "launcher/assemble.h"

#include <functional>

#include "launcher/length.h"
#include "launcher/options.h"

namespace d2l::launcher {
namespace {

// A word of an option and what it stands for.
template <class Value>
using Words = std::vector<std::pair<std::string, Value>>;

template <class Value>
const Value& meaning(const Words<Value>& words, const char* option, const std::string& word) {
  for (const auto& [name, value] : words)
    if (name == word) return value;
  usage("--", option, " does not know '", word, "'");
}

const Words<Schedule::Kind>& schedule_kinds() {
  using Kind = Schedule::Kind;
  static const Words<Kind> kTable = {{"constant", Kind::constant},
                                     {"step", Kind::step},
                                     {"multistep", Kind::multistep},
                                     {"polynomial", Kind::polynomial},
                                     {"cosine", Kind::cosine}};
  return kTable;
}

struct OptimizerChoice {
  const Config& config;
  nn::ParameterSet& parameters;
  Decay decay;
};
using MakeOptimizer = std::function<std::unique_ptr<Optimizer>(const OptimizerChoice&)>;

std::unique_ptr<Optimizer> adam(const OptimizerChoice& choice, bool decoupled) {
  const Config& config = choice.config;
  AdamOptions options{.beta1 = config.beta1,
                      .beta2 = config.beta2,
                      .weight_decay = config.weight_decay,
                      .decoupled = decoupled,
                      .decay = choice.decay};
  if (config.epsilon > 0) options.epsilon = config.epsilon;
  return make_adam(choice.parameters, options);
}

std::unique_ptr<Optimizer> lamb(const OptimizerChoice& choice) {
  const Config& config = choice.config;
  LambOptions options{.beta1 = config.beta1,
                      .beta2 = config.beta2,
                      .weight_decay = config.weight_decay,
                      .decay = choice.decay};
  if (config.epsilon > 0) options.epsilon = config.epsilon;
  return make_lamb(choice.parameters, options);
}

std::unique_ptr<Optimizer> sgd(const OptimizerChoice& choice) {
  return make_sgd(choice.parameters, {.momentum = choice.config.momentum,
                                      .weight_decay = choice.config.weight_decay,
                                      .nesterov = choice.config.nesterov,
                                      .decay = choice.decay});
}

std::unique_ptr<Optimizer> lars(const OptimizerChoice& choice) {
  return make_lars(choice.parameters, {.momentum = choice.config.momentum,
                                       .weight_decay = choice.config.weight_decay,
                                       .nesterov = choice.config.nesterov,
                                       .eta = choice.config.lars_eta,
                                       .decay = choice.decay});
}

const Words<MakeOptimizer>& optimizers() {
  static const Words<MakeOptimizer> kTable = {
      {"sgd", sgd},
      {"adam", [](const OptimizerChoice& choice) { return adam(choice, false); }},
      {"adamw", [](const OptimizerChoice& choice) { return adam(choice, true); }},
      {"lars", lars},
      {"lamb", lamb}};
  return kTable;
}

std::vector<int64_t> milestone_steps(const std::string& text, int64_t steps_per_epoch) {
  std::vector<int64_t> steps;
  std::string before;  // the milestone and its step, for the message
  for (const Length& length : parse_lengths("--milestones", text)) {
    const int64_t step = length.steps(steps_per_epoch);
    const std::string here = concat(length.text, " comes to step ", step);
    if (step <= (steps.empty() ? 0 : steps.back()))
      usage("--milestones expects times above 0 that ascend, found '", text, "': ", before, here,
            " (an epoch has ", steps_per_epoch, ")");
    steps.push_back(step);
    before = here + ", ";
  }
  return steps;
}

}  // namespace

std::unique_ptr<Optimizer> make_optimizer(const Config& config, nn::ParameterSet& parameters) {
  const Decay decay = config.decay == "weights" ? Decay::weights : Decay::all;
  return meaning(optimizers(), "optimizer", config.optimizer)({config, parameters, decay});
}

Schedule make_schedule(const Config& config, int64_t steps_per_epoch) {
  Schedule schedule{.kind = meaning(schedule_kinds(), "schedule", config.schedule),
                    .lr = config.lr,
                    .warmup = parse_length("--warmup", config.warmup).steps(steps_per_epoch),
                    .warmup_start = config.warmup_start,
                    .steps = config.epochs * steps_per_epoch,
                    .final_lr = config.final_lr,
                    .power = config.power,
                    .gamma = config.gamma};
  if (schedule.warmup > 0 && schedule.warmup >= schedule.steps)
    usage("--warmup expects less than the ", schedule.steps, " steps of --epochs ", config.epochs,
          ", found '", config.warmup, "', which comes to ", schedule.warmup);
  if (schedule.kind == Schedule::Kind::step)
    schedule.step_every = parse_length("--step-every", config.step_every).steps(steps_per_epoch);
  if (schedule.kind == Schedule::Kind::multistep)
    schedule.milestones = milestone_steps(config.milestones, steps_per_epoch);
  return schedule;
}

}  // namespace d2l::launcher
