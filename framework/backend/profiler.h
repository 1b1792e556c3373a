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

// The cost of one operation in one scope (framework/base/scope.h).
struct Cost {
  bool in_module = false;  // false: outside all modules; `module` is empty
  std::string module;      // its path; "" for the root
  bool backward = false;
  std::string operation;  // the function of Kernels: "conv2d_backward_weight"
  Work work = Work::copies;
  int64_t calls = 0;
  double seconds = 0;         // 0 in a dry run
  int64_t multiply_adds = 0;  // of convolutions, matrix products and attention, from their shapes
  int64_t bytes = 0;          // minimal traffic: each operand once, in its dtype
  double least_seconds = 0;   // a lower bound from the device's limits (roofline); 0 without limits
  // The kernels that computed its convolutions, on devices that report them.
  std::set<std::pair<ConvolutionPass, std::string>> convolutions = {};
};

// The measured peak rates of a device (roofline model).
struct Limits {
  std::map<DType, double> multiply_adds_per_second = {};  // by type of the factors
  double bytes_per_second = 0;                            // sum of reads and writes

  // The lower bound for one operation: the longer of its compute time and its memory time.
  double least_seconds(int64_t multiply_adds, DType dtype, int64_t bytes) const;
};

// Counts the cost of a backend's kernels while it lives and counting is on. Waits for every kernel,
// so that each is timed alone. Does not count the host's copies, since any thread may make them.
class Profiler final : public KernelObserver {
 public:
  // The backend must outlive it.
  explicit Profiler(Backend& backend);
  ~Profiler() override;
  Profiler(const Profiler&) = delete;
  Profiler& operator=(const Profiler&) = delete;

  Backend& backend() const { return backend_; }
  // In the order of first use since reset().
  const std::vector<Cost>& costs() const { return costs_; }
  void reset();
  // Sets the limits for costs from now on.
  void set_limits(Limits limits) { limits_ = std::move(limits); }
  // While off, kernels are neither counted nor waited for.
  void set_counting(bool on);

  void kernel(const KernelCost& kernel, const std::function<void()>& run) override;
  void convolution(ConvolutionPass pass, const std::string& name) override;

 private:
  Cost& cost_of(const KernelCost& kernel);

  Backend& backend_;
  Limits limits_;
  std::vector<Cost> costs_;
  std::set<std::pair<ConvolutionPass, std::string>> convolutions_;  // of the running kernel
  // operation, backward, in a module, path -> index in costs_
  std::map<std::tuple<const char*, bool, bool, std::string>, size_t> places_;
};

}  // namespace d2l
