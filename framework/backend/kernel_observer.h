#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "framework/backend/params.h"
#include "framework/base/dtype.h"

namespace d2l {

// Kinds of work, for reports of where the time goes.
enum class Work {
  convolution,
  matmul,
  attention,
  normalisation,
  pooling,
  element_wise,
  copies,  // and reductions
  loss,
  optimizer
};

// The cost of a kernel according to its definition and the shapes of its operands, whatever the
// device really does. multiply_adds include those with padding; the gradient of a product costs two
// such products. bytes counts each operand once; an operand that is changed in place is read and
// written.
struct KernelCost {
  const char* name;  // the function of Kernels
  Work work;
  int64_t bytes = 0;
  int64_t multiply_adds = 0;
  DType multiplied = DType::f32;
};

// Sees every kernel call of a backend.
class KernelObserver {
 public:
  virtual ~KernelObserver() = default;
  // Must call `run` exactly once: it queues the kernel.
  virtual void kernel(const KernelCost& cost, const std::function<void()>& run) = 0;
  // Called within `run` on devices with several convolution kernels: `name` is the one that
  // computes this convolution.
  virtual void convolution(ConvolutionPass pass, const std::string& name) = 0;
};

}  // namespace d2l
