#pragma once

#include <memory>
#include <string>

#include "framework/backend/cuda_module.h"

namespace d2l::cuda {

class CudaBackend;

// Matrix products and convolutions with the vendor's libraries (cublas_*.cpp, cudnn_*.cpp).
// Arguments and results: see the Backend's functions of the same names.
class Products {
 public:
  virtual ~Products() = default;
  virtual std::string describe() const = 0;  // "cuDNN 9.19, cuBLAS 13.0"
  virtual void matmul(const MatmulParams& params, ConstView a, ConstView b, ConstView bias,
                      View out) = 0;
  virtual void conv2d(const Conv2dParams& params, const Backend::ConvOperands& in, View y) = 0;
  virtual void conv2d_backward_input(const Conv2dParams& params, ConstView grad_y, ConstView weight,
                                     View grad_x, bool accumulate) = 0;
  virtual void conv2d_backward_weight(const Conv2dParams& params, ConstView x, ConstView grad_y,
                                      View grad_weight, View grad_bias) = 0;
};

// Uses the backend's queue, pool and element-wise kernels; the backend must outlive the result.
std::unique_ptr<Products> make_products(CudaBackend& backend, const CudaOptions& options);

}  // namespace d2l::cuda
