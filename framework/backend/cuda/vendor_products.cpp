#include "framework/backend/cuda/cublas_matmul.h"
#include "framework/backend/cuda/cudnn_convolution.h"

namespace d2l::cuda {
namespace {

class VendorProducts final : public Products {
 public:
  VendorProducts(CudaBackend& backend, const CudaOptions& options)
      : matmul_(backend, options.tf32), convolution_(backend, options) {}

  std::string describe() const override {
    const size_t dnn = cudnnGetVersion(), blas = cublasLtGetVersion();
    return concat("cuDNN ", dnn / 10000, ".", dnn / 100 % 100, ", cuBLAS ", blas / 10000, ".",
                  blas / 100 % 100);
  }

  void matmul(const MatmulParams& params, ConstView a, ConstView b, ConstView bias,
              View out) override {
    matmul_.run(params, a, b, bias, out);
  }
  void conv2d(const Conv2dParams& params, const Backend::ConvOperands& in, View y) override {
    convolution_.forward(params, in, y);
  }
  void conv2d_backward_input(const Conv2dParams& params, ConstView grad_y, ConstView weight,
                             View grad_x, bool accumulate) override {
    convolution_.backward_input(params, grad_y, weight, grad_x, accumulate);
  }
  void conv2d_backward_weight(const Conv2dParams& params, ConstView x, ConstView grad_y,
                              View grad_weight, View grad_bias) override {
    convolution_.backward_weight(params, x, grad_y, grad_weight, grad_bias);
  }

 private:
  CublasMatmul matmul_;
  CudnnConvolution convolution_;
};

}  // namespace

std::unique_ptr<Products> make_products(CudaBackend& backend, const CudaOptions& options) {
  return std::make_unique<VendorProducts>(backend, options);
}

}  // namespace d2l::cuda
