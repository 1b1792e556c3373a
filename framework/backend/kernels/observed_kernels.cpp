#include "framework/backend/kernels/observed_kernels.h"

namespace d2l {

void ObservedKernels::report_kernel(const KernelCost& cost, const std::function<void()>& run) {
  is_inside_ = true;
  try {
    observer_->kernel(cost, run);
  } catch (...) {
    is_inside_ = false;
    throw;
  }
  is_inside_ = false;
}

}  // namespace d2l
