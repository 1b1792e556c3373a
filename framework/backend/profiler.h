#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "framework/backend/backend.h"

namespace d2l {

// What one operation has cost in one scope (framework/base/scope.h).
struct Cost {
  bool in_module = false;  // false: outside of all modules, and then `module` is empty
  std::string module;      // its path; the root's is empty
  bool backward = false;
  std::string operation;  // the function of Kernels: "conv2d_backward_weight"
  Work work = Work::copies;
  int64_t calls = 0;
  double seconds = 0;         // 0 in a dry run
  int64_t multiply_adds = 0;  // of convolutions, matrix products and attention, by their shapes
  int64_t bytes = 0;          // that must at least be moved: each operand once, in its dtype
  double least_seconds = 0;   // that the device's limits leave for it; 0 without them
  // What computed its convolutions, on devices that say so.
  std::set<std::pair<ConvolutionPass, std::string>> convolutions = {};
};

// What a device can do at most, as somebody has measured it.
struct Limits {
  std::map<DType, double> multiply_adds_per_second = {};  // by what is multiplied
  double bytes_per_second = 0;                            // read and written

  // Of one operation, which is bound by its products or by its bytes, whichever takes longer.
  double least_seconds(int64_t multiply_adds, DType dtype, int64_t bytes) const;
};

// Counts what a backend's kernels cost while it lives, or while counting is on. Every kernel is
// waited for, so that its time is its own. The host's copies are not counted, since any thread may
// make them.
class Profiler final : public KernelObserver {
 public:
  // The backend must outlive it.
  explicit Profiler(Backend& backend);
  ~Profiler() override;
  Profiler(const Profiler&) = delete;
  Profiler& operator=(const Profiler&) = delete;

  Backend& backend() const { return backend_; }
  // In the order in which they were first met since reset().
  const std::vector<Cost>& costs() const { return costs_; }
  void reset();
  // What costs are compared with from now on.
  void set_limits(Limits limits) { limits_ = std::move(limits); }
  // Without it kernels are neither counted nor waited for.
  void set_counting(bool on);

  void kernel(const KernelCost& kernel, const std::function<void()>& run) override;
  void convolution(ConvolutionPass pass, const std::string& name) override;

 private:
  Cost& cost_of(const KernelCost& kernel);

  Backend& backend_;
  Limits limits_;
  std::vector<Cost> costs_;
  std::set<std::pair<ConvolutionPass, std::string>> convolutions_;  // of the kernel that runs
  // operation, backward, in a module, path -> place in costs_
  std::map<std::tuple<const char*, bool, bool, std::string>, size_t> places_;
};

}  // namespace d2l
