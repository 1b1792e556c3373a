#include "framework/optim/optimizer.h"

#include "framework/tensor/create.h"

namespace d2l {
namespace {

// One piece of state for each parameter, under the parameter's name.
void visit_arena(const nn::ParameterSet& parameters, const std::string& name, const Tensor& arena,
                 StateVisitor& visitor) {
  for (size_t i = 0; i < parameters.slots().size(); ++i) {
    Tensor part = parameters.part(arena, i);
    visitor.tensor("optimizer/" + name + "/" + parameters.slots()[i].name, part);
  }
}

class Sgd final : public Optimizer {
 public:
  Sgd(nn::ParameterSet& parameters, const SgdOptions& options)
      : parameters_(parameters), options_(options) {
    check(options.momentum >= 0 && options.momentum < 1, "sgd: momentum must be in [0, 1), found ",
          options.momentum);
    check(options.weight_decay >= 0, "sgd: weight decay must not be negative, found ",
          options.weight_decay);
    if (options.momentum > 0) velocity_ = zeros_like(parameters.values());
  }

  void step(double lr) override {
    parameters_.backend().sgd_step({.lr = lr,
                                    .momentum = options_.momentum,
                                    .weight_decay = options_.weight_decay,
                                    .nesterov = options_.nesterov},
                                   parameters_.gradients().view(), parameters_.values().view(),
                                   velocity_.defined() ? velocity_.view() : View{});
  }

  void visit(StateVisitor& visitor) override {
    if (velocity_.defined()) visit_arena(parameters_, "velocity", velocity_, visitor);
  }

 private:
  nn::ParameterSet& parameters_;
  SgdOptions options_;
  Tensor velocity_;
};

class Adam final : public Optimizer {
 public:
  Adam(nn::ParameterSet& parameters, const AdamOptions& options)
      : parameters_(parameters),
        options_(options),
        mean_(zeros_like(parameters.values())),
        square_(zeros_like(parameters.values())) {
    for (double beta : {options.beta1, options.beta2})
      check(beta >= 0 && beta < 1, "adam: the betas must be in [0, 1), found ", beta);
    check(options.epsilon > 0, "adam: epsilon must be positive, found ", options.epsilon);
    check(options.weight_decay >= 0, "adam: weight decay must not be negative, found ",
          options.weight_decay);
  }

  void step(double lr) override {
    ++steps_;
    parameters_.backend().adam_step({.lr = lr,
                                     .beta1 = options_.beta1,
                                     .beta2 = options_.beta2,
                                     .epsilon = options_.epsilon,
                                     .weight_decay = options_.weight_decay,
                                     .decoupled = options_.decoupled,
                                     .step = steps_},
                                    parameters_.gradients().view(), parameters_.values().view(),
                                    mean_.view(), square_.view());
  }

  void visit(StateVisitor& visitor) override {
    visitor.integer("optimizer/steps", steps_);
    visit_arena(parameters_, "mean", mean_, visitor);
    visit_arena(parameters_, "square", square_, visitor);
  }

 private:
  nn::ParameterSet& parameters_;
  AdamOptions options_;
  Tensor mean_, square_;
  int64_t steps_ = 0;
};

}  // namespace

std::unique_ptr<Optimizer> make_sgd(nn::ParameterSet& parameters, const SgdOptions& options) {
  return std::make_unique<Sgd>(parameters, options);
}

std::unique_ptr<Optimizer> make_adam(nn::ParameterSet& parameters, const AdamOptions& options) {
  return std::make_unique<Adam>(parameters, options);
}

}  // namespace d2l
