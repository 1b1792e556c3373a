#include "framework/backend/profiler.h"

#include <algorithm>

#include "framework/base/scope.h"
#include "framework/base/timer.h"

namespace d2l {

double Limits::least_seconds(int64_t multiply_adds, DType dtype, int64_t bytes) const {
  double seconds = bytes_per_second > 0 ? static_cast<double>(bytes) / bytes_per_second : 0;
  const auto rate = multiply_adds_per_second.find(dtype);
  if (rate != multiply_adds_per_second.end())
    seconds = std::max(seconds, static_cast<double>(multiply_adds) / rate->second);
  return seconds;
}

Profiler::Profiler(Backend& backend) : backend_(backend) { set_counting(true); }

Profiler::~Profiler() { set_counting(false); }

void Profiler::set_counting(bool on) { backend_.set_observer(on ? this : nullptr); }

void Profiler::reset() {
  costs_.clear();
  places_.clear();
}

Cost& Profiler::cost_of(const KernelCost& kernel) {
  const Scope& scope = current_scope();
  const bool in_module = scope.path != nullptr;
  const std::string module = in_module ? *scope.path : "";
  const auto [place, is_new] = places_.try_emplace(
      std::tuple(kernel.name, scope.backward, in_module, module), costs_.size());
  if (is_new)
    costs_.push_back({.in_module = in_module,
                      .module = module,
                      .backward = scope.backward,
                      .operation = kernel.name,
                      .work = kernel.work});
  return costs_[place->second];
}

void Profiler::kernel(const KernelCost& kernel, const std::function<void()>& run) {
  convolutions_.clear();
  backend_.synchronize();  // copies from the host may still be running
  const Timer timer;
  run();
  backend_.synchronize();
  Cost& cost = cost_of(kernel);
  cost.calls += 1;
  cost.seconds += backend_.is_dry_run() ? 0 : timer.seconds();
  cost.multiply_adds += kernel.multiply_adds;
  cost.bytes += kernel.bytes;
  cost.least_seconds +=
      limits_.least_seconds(kernel.multiply_adds, kernel.multiplied, kernel.bytes);
  cost.convolutions.merge(convolutions_);
}

void Profiler::convolution(ConvolutionPass pass, const std::string& name) {
  convolutions_.emplace(pass, name);
}

}  // namespace d2l
