#include "framework/optim/optimizer.h"

#include "framework/optim/checks.h"
#include "framework/optim/own_steps.h"
#include "framework/tensor/create.h"

namespace d2l {
namespace {

class Sgd final : public Optimizer {
 public:
  Sgd(nn::ParameterSet& parameters, const SgdOptions& options)
      : parameters_(parameters), options_(options) {
    Sgd::follow_freezing();
    check_momentum("sgd", options.momentum);
    check_weight_decay("sgd", options.weight_decay);
    if (options.momentum > 0) velocity_ = zeros_like(parameters.values());
  }

  void step(double lr) override {
    parameters_.backend().sgd_step({.lr = lr,
                                    .momentum = options_.momentum,
                                    .weight_decay = options_.weight_decay,
                                    .nesterov = options_.nesterov,
                                    .ranges = ranges_},
                                   parameters_.gradients().view(), parameters_.values().view(),
                                   velocity_.defined() ? velocity_.view() : View{});
  }

  void follow_freezing() override {
    ranges_ = merged(ranges_per_slot(parameters_, options_.decay, options_.lr_factors));
  }

  void visit(StateVisitor& visitor) override {
    if (velocity_.defined()) parameters_.visit(visitor, "optimizer/velocity", velocity_);
  }

 private:
  nn::ParameterSet& parameters_;
  SgdOptions options_;
  std::vector<StepRange> ranges_;
  Tensor velocity_;
};

class Adam final : public Optimizer {
 public:
  Adam(nn::ParameterSet& parameters, const AdamOptions& options)
      : parameters_(parameters),
        options_(options),
        steps_(parameters),
        mean_(zeros_like(parameters.values())),
        square_(zeros_like(parameters.values())) {
    Adam::follow_freezing();
    check_moments("adam", options);
    check_weight_decay("adam", options.weight_decay);
  }

  void step(double lr) override {
    for (const OwnSteps::Group& group : steps_.begin(ranges_))
      parameters_.backend().adam_step({.lr = lr,
                                       .beta1 = options_.beta1,
                                       .beta2 = options_.beta2,
                                       .epsilon = options_.epsilon,
                                       .weight_decay = options_.weight_decay,
                                       .decoupled = options_.decoupled,
                                       .step = group.step,
                                       .ranges = group.ranges},
                                      parameters_.gradients().view(), parameters_.values().view(),
                                      mean_.view(), square_.view());
  }

  void follow_freezing() override {
    ranges_ = ranges_per_slot(parameters_, options_.decay, options_.lr_factors);
  }

  void visit(StateVisitor& visitor) override {
    steps_.visit(visitor);
    parameters_.visit(visitor, "optimizer/mean", mean_);
    parameters_.visit(visitor, "optimizer/square", square_);
  }

 private:
  nn::ParameterSet& parameters_;
  AdamOptions options_;
  std::vector<StepRange> ranges_;
  OwnSteps steps_;
  Tensor mean_, square_;
};

}  // namespace

std::unique_ptr<Optimizer> make_sgd(nn::ParameterSet& parameters, const SgdOptions& options) {
  return std::make_unique<Sgd>(parameters, options);
}

std::unique_ptr<Optimizer> make_adam(nn::ParameterSet& parameters, const AdamOptions& options) {
  return std::make_unique<Adam>(parameters, options);
}

}  // namespace d2l
