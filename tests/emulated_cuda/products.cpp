#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <optional>

#include "framework/backend/cuda/cuda_backend.h"
#include "framework/backend/scratch.h"

// cuDNN and cuBLAS do not run on CPUs, so the CPU backend replaces them. It does not multiply f16:
// for f16, operands are rounded to f16, as the libraries do, and multiplied as f32.

namespace d2l::cuda {
namespace {

void convert(Backend& cpu, ConstView from, View to) { cpu.copy(strided(from), strided(to), false); }

// An operand of a product: the operand itself, or for `half` its f16 values as f32.
class In {
 public:
  In(Backend& cpu, ConstView view, bool half) : view_(view) {
    if (!view || !half) return;
    Scratch<char> narrow(cpu.pool(), 2 * view.elements());
    wide_.emplace(cpu.pool(), view.elements());
    const View rounded{narrow.data(), DType::f16, view.shape};
    const View values{wide_->data(), DType::f32, view.shape};
    convert(cpu, view, rounded);
    convert(cpu, rounded, values);
    view_ = values;
  }
  operator ConstView() const { return view_; }

 private:
  std::optional<Scratch<float>> wide_;
  ConstView view_;
};

// A result: the output itself, or for `half` an f32 array that the destructor rounds to f16.
class Out {
 public:
  Out(Backend& cpu, View out, bool half) : cpu_(cpu), out_(out), view_(out) {
    if (!half) return;
    wide_.emplace(cpu.pool(), out.elements());
    view_ = {wide_->data(), DType::f32, out.shape};
  }
  ~Out() {
    if (wide_) convert(cpu_, view_, out_);
  }
  Out(const Out&) = delete;
  Out& operator=(const Out&) = delete;
  operator View() const { return view_; }

 private:
  Backend& cpu_;
  View out_;
  std::optional<Scratch<float>> wide_;
  View view_;
};

// Set at exit by the main thread's thread_local destructor, which runs before static destructors.
bool is_exiting = false;
struct Thread {
  bool has_backends = false;
  ~Thread() { is_exiting = is_exiting || getpid() == gettid(); }
};
thread_local Thread this_thread;

class CpuProducts final : public Products {
 public:
  explicit CpuProducts(CudaBackend& backend) : backend_(backend) {
    this_thread.has_backends = true;  // so that its end is noticed
  }
  ~CpuProducts() override {
    if (!is_exiting) return;
    std::fputs("emulated CUDA: a backend ends at exit, where cuDNN may crash\n", stderr);
    std::abort();
  }
  std::string describe() const override { return "products on the CPU"; }

  void matmul(const MatmulParams& params, ConstView a, ConstView b, ConstView bias,
              View out) override {
    const DType factor = is_half(a.dtype) ? a.dtype : b.dtype;
    const bool half = factor == DType::f16;
    queue([=, a = rounded(a, factor), b = rounded(b, factor)](Backend& cpu) {
      cpu.matmul(params, In(cpu, a, half), In(cpu, b, half), bias,
                 Out(cpu, out, out.dtype == DType::f16));
    });
  }
  void conv2d(const Conv2dParams& params, const Backend::ConvOperands& in, View y) override {
    const bool half = y.dtype == DType::f16;
    queue([=](Backend& cpu) {
      const In x(cpu, in.x, half), weight(cpu, in.weight, half);
      cpu.conv2d(params, {x, weight, in.bias}, Out(cpu, y, half));
    });
  }
  void conv2d_backward_input(const Conv2dParams& params, ConstView grad_y, ConstView weight,
                             View grad_x, bool accumulate) override {
    const bool half = grad_x.dtype == DType::f16;
    queue([=](Backend& cpu) {
      const Out result(cpu, grad_x, half);
      if (half && accumulate) convert(cpu, grad_x, result);
      cpu.conv2d_backward_input(params, In(cpu, grad_y, half), In(cpu, weight, half), result,
                                accumulate);
    });
  }
  void conv2d_backward_weight(const Conv2dParams& params, ConstView x, ConstView grad_y,
                              View grad_weight, View grad_bias) override {
    const bool half = x.dtype == DType::f16;
    queue([=](Backend& cpu) {
      cpu.conv2d_backward_weight(params, In(cpu, x, half), In(cpu, grad_y, half), grad_weight,
                                 grad_bias);
      if (half) convert(cpu, In(cpu, grad_weight, half), grad_weight);
    });
  }

 private:
  ConstView rounded(ConstView view, DType dtype) const {
    const ConstView copy = backend_.rounded(view, dtype);
    return copy ? copy : view;
  }

  template <class Work>
  void queue(const Work& work) {
    emulated::submit([this, work] {
      emulated::Access access;
      work(*cpu_);
    });
  }

  CudaBackend& backend_;
  std::unique_ptr<Backend> cpu_ = make_cpu_backend(1);
};

}  // namespace

std::unique_ptr<Products> make_products(CudaBackend& backend, const CudaOptions&) {
  return std::make_unique<CpuProducts>(backend);
}

}  // namespace d2l::cuda
