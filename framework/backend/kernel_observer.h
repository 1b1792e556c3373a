#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "framework/backend/params.h"
#include "framework/base/dtype.h"

namespace d2l {

// Kinds of work, for whoever asks where the time goes.
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

// What a kernel is asked to do, by its definition and the shapes of its operands: multiply-adds
// with the padding, whatever the device does in fact; the gradient of a product is two such
// products. Bytes are those of the operands, each once; what is changed in place is read and
// written.
struct KernelCost {
  const char* name;  // the function of Kernels
  Work work;
  int64_t bytes = 0;
  int64_t multiply_adds = 0;
  DType multiplied = DType::f32;
};

// Sees every kernel that a backend is asked for.
class KernelObserver {
 public:
  virtual ~KernelObserver() = default;
  // Has to call `run` once, which queues the kernel.
  virtual void kernel(const KernelCost& cost, const std::function<void()>& run) = 0;
  // Called within `run` where a device has several kernels for convolutions: `name` computes one.
  virtual void convolution(ConvolutionPass pass, const std::string& name) = 0;
};

}  // namespace d2l
