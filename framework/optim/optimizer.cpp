#include "framework/optim/optimizer.h"

#include <optional>

#include "framework/optim/checks.h"
#include "framework/optim/own_steps.h"

namespace d2l {
namespace {

class Sgd final : public Optimizer {
 public:
  Sgd(nn::ParameterSet& parameters, const SgdOptions& options, const Shards* shards)
      : parameters_(parameters), options_(options), shards_(shards) {
    Sgd::follow_freezing();
    check_momentum("sgd", options.momentum);
    check_weight_decay("sgd", options.weight_decay);
    if (options.momentum > 0) velocity_.emplace(parameters, shards);
  }

  void step(double lr) override {
    for (const StepPart& part : parts_)
      parameters_.backend().sgd_step({.lr = lr,
                                      .momentum = options_.momentum,
                                      .weight_decay = options_.weight_decay,
                                      .nesterov = options_.nesterov,
                                      .ranges = part.ranges},
                                     part.of_arena(parameters_.gradients()),
                                     part.of_arena(parameters_.values()),
                                     velocity_ ? part.of_state(*velocity_) : View{});
  }

  void follow_freezing() override {
    const auto ranges = merged(ranges_per_slot(parameters_, options_.decay, options_.lr_factors));
    parts_ = parts_of(ranges, parameters_, shards_);
  }

  void visit(StateVisitor& visitor) override {
    if (velocity_) velocity_->visit(visitor, "optimizer/velocity");
  }

 private:
  nn::ParameterSet& parameters_;
  SgdOptions options_;
  const Shards* shards_;
  std::vector<StepPart> parts_;
  std::optional<ShardedState> velocity_;
};

class Adam final : public Optimizer {
 public:
  Adam(nn::ParameterSet& parameters, const AdamOptions& options, const Shards* shards)
      : parameters_(parameters),
        options_(options),
        shards_(shards),
        steps_(parameters),
        mean_(parameters, shards),
        square_(parameters, shards) {
    Adam::follow_freezing();
    check_moments("adam", options);
    check_weight_decay("adam", options.weight_decay);
  }

  void step(double lr) override {
    for (const OwnSteps::Group& group : steps_.begin(ranges_))
      for (const StepPart& part : parts_of(group.ranges, parameters_, shards_))
        parameters_.backend().adam_step({.lr = lr,
                                         .beta1 = options_.beta1,
                                         .beta2 = options_.beta2,
                                         .epsilon = options_.epsilon,
                                         .weight_decay = options_.weight_decay,
                                         .decoupled = options_.decoupled,
                                         .step = group.step,
                                         .ranges = part.ranges},
                                        part.of_arena(parameters_.gradients()),
                                        part.of_arena(parameters_.values()), part.of_state(mean_),
                                        part.of_state(square_));
  }

  void follow_freezing() override {
    ranges_ = ranges_per_slot(parameters_, options_.decay, options_.lr_factors);
  }

  void visit(StateVisitor& visitor) override {
    steps_.visit(visitor);
    mean_.visit(visitor, "optimizer/mean");
    square_.visit(visitor, "optimizer/square");
  }

 private:
  nn::ParameterSet& parameters_;
  AdamOptions options_;
  const Shards* shards_;
  std::vector<StepRange> ranges_;
  OwnSteps steps_;
  ShardedState mean_, square_;
};

}  // namespace

std::unique_ptr<Optimizer> make_sgd(nn::ParameterSet& parameters, const SgdOptions& options,
                                    const Shards* shards) {
  return std::make_unique<Sgd>(parameters, options, shards);
}

std::unique_ptr<Optimizer> make_adam(nn::ParameterSet& parameters, const AdamOptions& options,
                                     const Shards* shards) {
  return std::make_unique<Adam>(parameters, options, shards);
}

}  // namespace d2l
