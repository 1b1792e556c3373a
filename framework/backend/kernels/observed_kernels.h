#pragma once

#include <functional>

#include "framework/backend/kernel_observer.h"

namespace d2l {

// What all families of kernels share: their observer, and dry runs.
class ObservedKernels {
 public:
  virtual ~ObservedKernels() = default;

  // nullptr removes the observer. It must outlive this object otherwise.
  void set_observer(KernelObserver* observer) { observer_ = observer; }
  bool is_observed() const { return observer_ != nullptr; }
  // A dry run computes nothing: it leaves outputs unchanged and never touches their memory.
  bool is_dry_run() const { return is_dry_run_; }

 protected:
  void make_dry() { is_dry_run_ = true; }
  // nullptr if there is none. May be called only from do_...().
  KernelObserver* observer() const { return observer_; }

  // Calls `run`; through the observer, unless another observed kernel calls this one.
  template <class Run>
  void observed(const KernelCost& cost, const Run& run) {
    const auto unless_dry = [&] {
      if (!is_dry_run_) run();
    };
    if (observer_ == nullptr || is_inside_) return unless_dry();
    report_kernel(cost, unless_dry);
  }

 private:
  void report_kernel(const KernelCost& cost, const std::function<void()>& run);

  KernelObserver* observer_ = nullptr;
  bool is_dry_run_ = false;
  bool is_inside_ = false;  // an observed kernel
};

}  // namespace d2l
