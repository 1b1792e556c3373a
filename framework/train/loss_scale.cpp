#include "framework/train/loss_scale.h"

#include "framework/tensor/elementwise.h"

namespace d2l {
void LossScaleState::visit(StateVisitor& visitor) {
  visitor.real("loss_scale/scale", scale);
  visitor.integer("loss_scale/good_steps", good_steps);
  visitor.integer("loss_scale/skipped_steps", skipped_steps);
}

bool LossScaleState::is_in(const Snapshot& snapshot) {
  return snapshot.reals.contains("loss_scale/scale");
}

LossScale::LossScale(nn::ParameterSet& parameters, const LossScaleOptions& options)
    : parameters_(parameters),
      options_(options),
      state_{.scale = options.first},
      factor_(parameters.backend(), Shape{1}) {
  if (parameters.buffers().defined()) buffers_ = parameters.buffers().clone();
  fill_factor();
}

double LossScale::scale() const { return options_.constant > 0 ? options_.constant : state_.scale; }

bool LossScale::is_exhausted() const {
  return options_.constant > 0 ? state_.skipped_steps >= kMostSkipped : state_.scale < kLeast;
}

void LossScale::begin_step() {
  if (buffers_.defined()) buffers_.copy_from(parameters_.buffers());
}

void LossScale::multiply(Tensor& loss_gradient) const { loss_gradient *= factor_; }

void LossScale::unscale(Tensor& norm, const Shards* shards) {
  parameters_.gradients() *= 1 / scale();
  find_gradient_norm(parameters_, shards, norm);
}

void LossScale::end_step(bool finite) {
  if (!finite && buffers_.defined()) parameters_.buffers().copy_from(buffers_);
  state_.skipped_steps = finite ? 0 : state_.skipped_steps + 1;
  if (options_.constant > 0) return;
  state_.good_steps = finite ? state_.good_steps + 1 : 0;
  if (finite && state_.good_steps < options_.growth_interval) return;
  state_.good_steps = 0;
  if (!finite)
    state_.scale /= 2;
  else if (state_.scale < kMost)
    state_.scale *= 2;
  fill_factor();
}

void LossScale::visit(StateVisitor& visitor) {
  state_.visit(visitor);
  fill_factor();
}

void LossScale::fill_factor() { parameters_.backend().fill(factor_.view(), scale()); }

}  // namespace d2l
