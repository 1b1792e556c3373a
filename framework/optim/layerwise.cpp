// The optimizers that choose a learning rate for each parameter from its norms.

#include "framework/optim/checks.h"
#include "framework/optim/optimizer.h"
#include "framework/optim/own_steps.h"
#include "framework/tensor/create.h"

namespace d2l {
namespace {

// The ranges of all parameters that are not frozen, and the norms that determine their factors.
class AdaptiveRanges {
 public:
  AdaptiveRanges(const nn::ParameterSet& parameters, Decay decay, const LrFactors& lr_factors)
      : ranges_(ranges_per_slot(parameters, decay, lr_factors)),
        given_(ranges_),
        norms_(parameters.backend(), Shape{2, static_cast<int64_t>(ranges_.size())}) {}

  // Sets each range's lr to its factor times ratio(|a|, |b|), or to its factor if a norm is 0 or
  // `decay` excludes the range.
  template <class Ratio>
  const std::vector<StepRange>& adapt(const Tensor& a, const Tensor& b, const Ratio& ratio) {
    Backend& backend = norms_.backend();
    backend.norms(ranges_, a.view(), norms_[0].view());
    backend.norms(ranges_, b.view(), norms_[1].view());
    const std::vector<float> found = norms_.to_vector<float>();
    for (size_t i = 0; i < ranges_.size(); ++i) {
      const auto of_a = static_cast<double>(found[i]);
      const auto of_b = static_cast<double>(found[ranges_.size() + i]);
      const bool adapts = ranges_[i].weight_decay != 0 && of_a > 0 && of_b > 0;
      ranges_[i].lr = given_[i].lr * (adapts ? ratio(of_a, of_b) : 1.0);
    }
    return ranges_;
  }

  const std::vector<StepRange>& ranges() const { return ranges_; }

 private:
  std::vector<StepRange> ranges_, given_;  // as used in a step, and before adapt()
  Tensor norms_;
};

class Lars final : public Optimizer {
 public:
  Lars(nn::ParameterSet& parameters, const LarsOptions& options)
      : parameters_(parameters),
        options_(options),
        ranges_(parameters, options.decay, options.lr_factors) {
    check_momentum("lars", options.momentum);
    check_weight_decay("lars", options.weight_decay);
    check(options.eta > 0, "lars: eta must be positive, found ", options.eta);
    if (options.momentum > 0) velocity_ = zeros_like(parameters.values());
  }

  void step(double lr) override {
    Tensor &values = parameters_.values(), &gradients = parameters_.gradients();
    auto ratio = [&](double value, double gradient) {
      return options_.eta * value / (gradient + options_.weight_decay * value);
    };
    parameters_.backend().sgd_step({.lr = lr,
                                    .momentum = options_.momentum,
                                    .weight_decay = options_.weight_decay,
                                    .nesterov = options_.nesterov,
                                    .lr_in_velocity = true,
                                    .ranges = ranges_.adapt(values, gradients, ratio)},
                                   gradients.view(), values.view(),
                                   velocity_.defined() ? velocity_.view() : View{});
  }

  void follow_freezing() override { ranges_ = {parameters_, options_.decay, options_.lr_factors}; }

  bool step_waits() const override { return true; }

  void visit(StateVisitor& visitor) override {
    if (velocity_.defined()) parameters_.visit(visitor, "optimizer/velocity", velocity_);
  }

 private:
  nn::ParameterSet& parameters_;
  LarsOptions options_;
  AdaptiveRanges ranges_;
  Tensor velocity_;
};

class Lamb final : public Optimizer {
 public:
  Lamb(nn::ParameterSet& parameters, const LambOptions& options)
      : parameters_(parameters),
        options_(options),
        ranges_(parameters, options.decay, options.lr_factors),
        steps_(parameters),
        mean_(zeros_like(parameters.values())),
        square_(zeros_like(parameters.values())) {
    check_moments("lamb", options);
    check_weight_decay("lamb", options.weight_decay);
  }

  void step(double lr) override {
    Backend& backend = parameters_.backend();
    Tensor &values = parameters_.values(), &direction = parameters_.gradients();
    for (const OwnSteps::Group& group : steps_.begin(ranges_.ranges()))
      backend.lamb_direction({.beta1 = options_.beta1,
                              .beta2 = options_.beta2,
                              .epsilon = options_.epsilon,
                              .weight_decay = options_.weight_decay,
                              .step = group.step,
                              .ranges = group.ranges},
                             direction.view(), values.view(), mean_.view(), square_.view());
    auto ratio = [](double value, double update) { return value / update; };
    backend.sgd_step({.lr = lr, .ranges = ranges_.adapt(values, direction, ratio)},
                     direction.view(), values.view(), View{});
  }

  void follow_freezing() override { ranges_ = {parameters_, options_.decay, options_.lr_factors}; }

  bool step_waits() const override { return true; }

  void visit(StateVisitor& visitor) override {
    steps_.visit(visitor);
    parameters_.visit(visitor, "optimizer/mean", mean_);
    parameters_.visit(visitor, "optimizer/square", square_);
  }

 private:
  nn::ParameterSet& parameters_;
  LambOptions options_;
  AdaptiveRanges ranges_;
  OwnSteps steps_;
  Tensor mean_, square_;
};

}  // namespace

std::unique_ptr<Optimizer> make_lars(nn::ParameterSet& parameters, const LarsOptions& options) {
  return std::make_unique<Lars>(parameters, options);
}

std::unique_ptr<Optimizer> make_lamb(nn::ParameterSet& parameters, const LambOptions& options) {
  return std::make_unique<Lamb>(parameters, options);
}

}  // namespace d2l
