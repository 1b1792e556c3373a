#include "launcher/assemble.h"

#include <algorithm>

#include "data/table/table_form.h"
#include "framework/train/objectives/classification.h"
#include "framework/train/objectives/regression.h"
#include "launcher/options/usage.h"
#include "launcher/rate_factors.h"
#include "models/zoo.h"

namespace d2l::launcher {
namespace {

std::unique_ptr<Optimizer> adam(const OptimizerConfig& config, nn::ParameterSet& parameters,
                                const Shards* shards) {
  AdamOptions options{.beta1 = config.beta1,
                      .beta2 = config.beta2,
                      .weight_decay = config.weight_decay,
                      .decoupled = config.kind == OptimizerChoice::adamw,
                      .decay = config.decay,
                      .lr_factors = rate_factors(config, parameters).of_slots};
  if (config.epsilon > 0) options.epsilon = config.epsilon;
  return make_adam(parameters, options, shards);
}

std::unique_ptr<Optimizer> lamb(const OptimizerConfig& config, nn::ParameterSet& parameters,
                                const Shards* shards) {
  LambOptions options{.beta1 = config.beta1,
                      .beta2 = config.beta2,
                      .weight_decay = config.weight_decay,
                      .decay = config.decay,
                      .lr_factors = rate_factors(config, parameters).of_slots};
  if (config.epsilon > 0) options.epsilon = config.epsilon;
  return make_lamb(parameters, options, shards);
}

std::unique_ptr<Optimizer> sgd(const OptimizerConfig& config, nn::ParameterSet& parameters,
                               const Shards* shards) {
  return make_sgd(parameters,
                  {.momentum = config.momentum,
                   .weight_decay = config.weight_decay,
                   .nesterov = config.nesterov,
                   .decay = config.decay,
                   .lr_factors = rate_factors(config, parameters).of_slots},
                  shards);
}

std::unique_ptr<Optimizer> lars(const OptimizerConfig& config, nn::ParameterSet& parameters,
                                const Shards* shards) {
  return make_lars(parameters,
                   {.momentum = config.momentum,
                    .weight_decay = config.weight_decay,
                    .nesterov = config.nesterov,
                    .eta = config.lars_eta,
                    .decay = config.decay,
                    .lr_factors = rate_factors(config, parameters).of_slots},
                   shards);
}

RegressionOptions::Loss regression_loss(LossChoice choice) {
  using enum RegressionOptions::Loss;
  if (choice == LossChoice::l1) return absolute;
  return choice == LossChoice::huber ? huber : squared;
}

std::vector<int64_t> milestone_steps(const std::vector<Duration>& milestones,
                                     int64_t steps_per_epoch) {
  std::vector<int64_t> steps;
  std::string before;  // the previous milestone and its step, for messages
  for (const Duration& milestone : milestones) {
    const int64_t step = milestone.steps("--milestones", steps_per_epoch);
    const std::string here = concat(milestone.text, " is step ", step);
    if (step <= (steps.empty() ? 0 : steps.back()))
      usage("--milestones expects ascending times above 0, found '", text_of(milestones),
            "': ", before, here, " (an epoch has ", steps_per_epoch, " steps)");
    steps.push_back(step);
    before = here + ", ";
  }
  return steps;
}

}  // namespace

std::unique_ptr<nn::Module> make_model(const ModelConfig& config, const Shape& input,
                                       int64_t classes) {
  return models::build_model(config.name, {.input = input,
                                           .classes = std::max<int64_t>(classes, 1),
                                           .init = word_of(config.init),
                                           .width = config.width});
}

std::unique_ptr<Objective> make_objective(const Config& config, const data::DatasetInfo& data,
                                          Backend& backend) {
  const RegularisationConfig& options = config.regularisation;
  const bool of_classes = options.loss == LossChoice::cross_entropy;
  if (options.loss != LossChoice::automatic && of_classes != data.has_labels())
    usage("--loss ", word_of(options.loss), " expects targets that are ",
          of_classes ? "classes" : "numbers", ", found ",
          data.has_labels() ? concat(data.classes, " classes") : "numbers", " in ", data.name);
  if (data.has_labels())
    return make_classification(
        backend, {.classes = data.classes, .label_smoothing = options.label_smoothing});
  if (options.label_smoothing > 0)
    usage("--label-smoothing expects targets that are classes, found numbers in ", data.name);
  return make_regression({.loss = regression_loss(options.loss),
                          .huber_delta = options.huber_delta,
                          .log_error = data::TableForm::parse(data.table).target().least >= 1});
}

std::unique_ptr<Optimizer> make_optimizer(const Config& config, nn::ParameterSet& parameters,
                                          const Shards* shards) {
  const OptimizerConfig& optimizer = config.optimizer;
  switch (optimizer.kind) {
    case OptimizerChoice::sgd:
      return sgd(optimizer, parameters, shards);
    case OptimizerChoice::adam:
    case OptimizerChoice::adamw:
      return adam(optimizer, parameters, shards);
    case OptimizerChoice::lars:
      return lars(optimizer, parameters, shards);
    case OptimizerChoice::lamb:
      return lamb(optimizer, parameters, shards);
  }
  fail("expected an optimizer, found number ", static_cast<int>(optimizer.kind));
}

Schedule make_schedule(const Config& config, int64_t steps_per_epoch) {
  const ScheduleConfig& options = config.schedule;
  const int64_t epochs = config.training.epochs;
  Schedule schedule{.kind = options.kind,
                    .lr = config.optimizer.lr,
                    .warmup = options.warmup.steps("--warmup", steps_per_epoch),
                    .warmup_start = options.warmup_start,
                    .steps = epochs * steps_per_epoch,
                    .final_lr = options.final_lr,
                    .power = options.power,
                    .gamma = options.gamma};
  if (schedule.warmup > 0 && schedule.warmup >= schedule.steps)
    usage("--warmup expects fewer than the ", schedule.steps, " steps of --epochs ", epochs,
          ", found '", options.warmup.text, "', which is ", schedule.warmup, " steps");
  if (schedule.kind == Schedule::Kind::step && options.step_every)
    schedule.step_every = options.step_every->steps("--step-every", steps_per_epoch);
  if (schedule.kind == Schedule::Kind::multistep)
    schedule.milestones = milestone_steps(options.milestones, steps_per_epoch);
  return schedule;
}

}  // namespace d2l::launcher
