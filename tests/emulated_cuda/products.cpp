#include "framework/backend/cuda/cuda_backend.h"

// cuDNN and cuBLAS have no code for CPUs: the CPU backend stands in for them.

namespace d2l::cuda {
namespace {

class CpuProducts final : public Products {
 public:
  std::string describe() const override { return "products on the CPU"; }

  void matmul(const MatmulParams& params, ConstView a, ConstView b, ConstView bias,
              View out) override {
    queue([=](Backend& cpu) { cpu.matmul(params, a, b, bias, out); });
  }
  void conv2d(const Conv2dParams& params, const Backend::ConvOperands& in, View y) override {
    queue([=](Backend& cpu) { cpu.conv2d(params, in, y); });
  }
  void conv2d_backward_input(const Conv2dParams& params, ConstView grad_y, ConstView weight,
                             View grad_x) override {
    queue([=](Backend& cpu) { cpu.conv2d_backward_input(params, grad_y, weight, grad_x); });
  }
  void conv2d_backward_weight(const Conv2dParams& params, ConstView x, ConstView grad_y,
                              View grad_weight, View grad_bias) override {
    queue([=](Backend& cpu) {
      cpu.conv2d_backward_weight(params, x, grad_y, grad_weight, grad_bias);
    });
  }

 private:
  template <class Work>
  void queue(const Work& work) {
    emulated::submit([this, work] {
      emulated::Access access;
      work(*cpu_);
    });
  }

  std::unique_ptr<Backend> cpu_ = make_cpu_backend(1);
};

}  // namespace

std::unique_ptr<Products> make_products(CudaBackend&, const CudaOptions&) {
  return std::make_unique<CpuProducts>();
}

}  // namespace d2l::cuda
