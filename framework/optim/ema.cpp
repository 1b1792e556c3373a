#include "framework/optim/ema.h"

#include <algorithm>
#include <utility>

#include "framework/tensor/elementwise.h"

namespace d2l {
namespace {

Tensor clone_of(const Tensor& tensor) { return tensor.defined() ? tensor.clone() : Tensor(); }

}  // namespace

Ema::Ema(nn::ParameterSet& parameters, double decay)
    : parameters_(parameters),
      decay_(decay),
      values_(parameters.values().clone()),
      buffers_(clone_of(parameters.buffers())) {
  check(decay > 0 && decay < 1, "ema: expected a decay in (0, 1), found ", decay);
}

void Ema::update(int64_t steps) {
  const auto count = static_cast<double>(steps);
  const double decay = std::min(decay_, (1 + count) / (10 + count));
  move_towards(1 - decay, parameters_.values(), values_);
  if (buffers_.defined()) move_towards(1 - decay, parameters_.buffers(), buffers_);
}

Ema::InUse::InUse(Ema& ema)
    : parameters_(ema.parameters_),
      values_(parameters_.values().clone()),
      buffers_(clone_of(parameters_.buffers())) {
  parameters_.values().copy_from(ema.values_);
  if (buffers_.defined()) parameters_.buffers().copy_from(ema.buffers_);
}

Ema::InUse::~InUse() {
  try {
    end();
  } catch (const Error&) {  // a device failure; the exception that unwinds the stack reports it
  }
}

void Ema::InUse::end() {
  const Tensor values = std::exchange(values_, {}), buffers = std::exchange(buffers_, {});
  if (values.defined()) parameters_.values().copy_from(values);
  if (buffers.defined()) parameters_.buffers().copy_from(buffers);
}

void Ema::visit(StateVisitor& visitor) {
  parameters_.visit(visitor, "ema/parameters", values_);
  parameters_.visit_buffers(visitor, "ema/buffers", buffers_);
}

}  // namespace d2l
