// The optimizers that choose a learning rate for each parameter from its norms.

#include <algorithm>
#include <cmath>
#include <optional>

#include "framework/optim/checks.h"
#include "framework/optim/optimizer.h"
#include "framework/optim/own_steps.h"

namespace d2l {
namespace {

// The ranges of all parameters that are not frozen, and the norms that determine their factors.
class AdaptiveRanges {
 public:
  AdaptiveRanges(nn::ParameterSet& parameters, Decay decay, const LrFactors& lr_factors,
                 const Shards* shards)
      : parameters_(&parameters),
        shards_(shards),
        ranges_(ranges_per_slot(parameters, decay, lr_factors)),
        given_(ranges_) {}

  // Sets each range's lr to its factor times ratio(|w|, |u|) of its parameter w and the array u of
  // updates, or to its factor if a norm is 0 or `decay` excludes the range. Of u, this rank needs
  // only its own elements.
  template <class Ratio>
  const std::vector<StepRange>& adapt(const Tensor& updates, const Ratio& ratio) {
    const std::vector<double> of_values = norms(ranges_, parameters_->values()),
                              of_updates = norms_over_ranks(updates);
    for (size_t i = 0; i < ranges_.size(); ++i) {
      const bool adapts = ranges_[i].weight_decay != 0 && of_values[i] > 0 && of_updates[i] > 0;
      ranges_[i].lr = given_[i].lr * (adapts ? ratio(of_values[i], of_updates[i]) : 1.0);
    }
    return ranges_;
  }

  const std::vector<StepRange>& ranges() const { return ranges_; }

 private:
  static std::vector<double> norms(const std::vector<StepRange>& ranges, const Tensor& array) {
    if (ranges.empty()) return {};
    Tensor found(array.backend(), Shape{std::ssize(ranges)});
    array.backend().norms(ranges, array.view(), found.view());
    const std::vector<float> values = found.to_vector<float>();
    return {values.begin(), values.end()};
  }

  // Of each range, although every rank has only its own elements of the array.
  std::vector<double> norms_over_ranks(const Tensor& array) const {
    if (shards_ == nullptr) return norms(ranges_, array);
    std::vector<StepRange> pieces;
    std::vector<size_t> range_of_piece;
    for (const Range& own : shards_->own)
      for (size_t i = 0; i < ranges_.size(); ++i) {
        const int64_t begin = std::max(own.begin, ranges_[i].begin),
                      end = std::min(own.end, ranges_[i].end);
        if (begin >= end) continue;
        pieces.push_back({.begin = begin, .end = end});
        range_of_piece.push_back(i);
      }
    const std::vector<double> of_pieces = norms(pieces, array);
    std::vector<double> found(ranges_.size(), 0);
    for (size_t i = 0; i < pieces.size(); ++i)
      found[range_of_piece[i]] += of_pieces[i] * of_pieces[i];
    shards_->sum({found.data(), DType::f64, Shape{std::ssize(found)}});
    for (double& norm : found) norm = std::sqrt(norm);
    return found;
  }

  nn::ParameterSet* parameters_;
  const Shards* shards_;
  std::vector<StepRange> ranges_, given_;  // as used in a step, and before adapt()
};

class Lars final : public Optimizer {
 public:
  Lars(nn::ParameterSet& parameters, const LarsOptions& options, const Shards* shards)
      : parameters_(parameters),
        options_(options),
        shards_(shards),
        ranges_(parameters, options.decay, options.lr_factors, shards) {
    check_momentum("lars", options.momentum);
    check_weight_decay("lars", options.weight_decay);
    check(options.eta > 0, "lars: eta must be positive, found ", options.eta);
    if (options.momentum > 0) velocity_.emplace(parameters, shards);
  }

  void step(double lr) override {
    const auto ratio = [&](double value, double gradient) {
      return options_.eta * value / (gradient + options_.weight_decay * value);
    };
    const auto& ranges = ranges_.adapt(parameters_.gradients(), ratio);
    for (const StepPart& part : parts_of(ranges, parameters_, shards_))
      parameters_.backend().sgd_step({.lr = lr,
                                      .momentum = options_.momentum,
                                      .weight_decay = options_.weight_decay,
                                      .nesterov = options_.nesterov,
                                      .lr_in_velocity = true,
                                      .ranges = part.ranges},
                                     part.of_arena(parameters_.gradients()),
                                     part.of_arena(parameters_.values()),
                                     velocity_ ? part.of_state(*velocity_) : View{});
  }

  void follow_freezing() override {
    ranges_ = {parameters_, options_.decay, options_.lr_factors, shards_};
  }

  bool step_waits() const override { return true; }

  void visit(StateVisitor& visitor) override {
    if (velocity_) velocity_->visit(visitor, "optimizer/velocity");
  }

 private:
  nn::ParameterSet& parameters_;
  LarsOptions options_;
  const Shards* shards_;
  AdaptiveRanges ranges_;
  std::optional<ShardedState> velocity_;
};

class Lamb final : public Optimizer {
 public:
  Lamb(nn::ParameterSet& parameters, const LambOptions& options, const Shards* shards)
      : parameters_(parameters),
        options_(options),
        shards_(shards),
        ranges_(parameters, options.decay, options.lr_factors, shards),
        steps_(parameters),
        mean_(parameters, shards),
        square_(parameters, shards) {
    check_moments("lamb", options);
    check_weight_decay("lamb", options.weight_decay);
  }

  void step(double lr) override {
    find_directions();
    const auto ratio = [](double value, double update) { return value / update; };
    const auto& ranges = ranges_.adapt(parameters_.gradients(), ratio);
    for (const StepPart& part : parts_of(ranges, parameters_, shards_))
      parameters_.backend().sgd_step({.lr = lr, .ranges = part.ranges},
                                     part.of_arena(parameters_.gradients()),
                                     part.of_arena(parameters_.values()), View{});
  }

  void follow_freezing() override {
    ranges_ = {parameters_, options_.decay, options_.lr_factors, shards_};
  }

  bool step_waits() const override { return true; }

  void visit(StateVisitor& visitor) override {
    steps_.visit(visitor);
    mean_.visit(visitor, "optimizer/mean");
    square_.visit(visitor, "optimizer/square");
  }

 private:
  // They replace the gradients.
  void find_directions() {
    for (const OwnSteps::Group& group : steps_.begin(ranges_.ranges()))
      for (const StepPart& part : parts_of(group.ranges, parameters_, shards_))
        parameters_.backend().lamb_direction({.beta1 = options_.beta1,
                                              .beta2 = options_.beta2,
                                              .epsilon = options_.epsilon,
                                              .weight_decay = options_.weight_decay,
                                              .step = group.step,
                                              .ranges = part.ranges},
                                             part.of_arena(parameters_.gradients()),
                                             part.of_arena(parameters_.values()),
                                             part.of_state(mean_), part.of_state(square_));
  }

  nn::ParameterSet& parameters_;
  LambOptions options_;
  const Shards* shards_;
  AdaptiveRanges ranges_;
  OwnSteps steps_;
  ShardedState mean_, square_;
};

}  // namespace

std::unique_ptr<Optimizer> make_lars(nn::ParameterSet& parameters, const LarsOptions& options,
                                     const Shards* shards) {
  return std::make_unique<Lars>(parameters, options, shards);
}

std::unique_ptr<Optimizer> make_lamb(nn::ParameterSet& parameters, const LambOptions& options,
                                     const Shards* shards) {
  return std::make_unique<Lamb>(parameters, options, shards);
}

}  // namespace d2l
