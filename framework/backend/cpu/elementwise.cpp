#include "framework/backend/cpu/broadcast.h"
#include "framework/backend/cpu/cpu_backend.h"
#include "framework/backend/cpu/floats.h"
#include "framework/backend/cpu/vector_math.h"
#include "framework/backend/cpu/widened.h"

namespace d2l::cpu {
namespace {

// y may be x, so no restrict; but no iteration reads what another one writes.
template <class F, class T>
D2L_SIMD void map_run(F f, const T* x, T* y, int64_t count) {
#pragma GCC ivdep
  for (int64_t i = 0; i < count; ++i) y[i] = static_cast<T>(f(static_cast<float>(x[i])));
}

template <class F>
void map(F f, const ConstView& x, const View& y) {
  visit_float(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* from = x.as<T>();
    T* to = y.as<T>();
    parallel_for(y.elements(), kGrain, [&](int64_t begin, int64_t end) {
      map_run(f, from + begin, to + begin, end - begin);
    });
  });
}

template <class T>
struct DerivativeRun {
  const T *x, *y, *grad_y;
  T* grad_x;
  int64_t count;
};

template <class F, class T>
D2L_SIMD void derivative_run(F f, const DerivativeRun<T>& run) {
  const T *x = run.x, *y = run.y, *grad_y = run.grad_y;
  T* grad_x = run.grad_x;
  const int64_t count = run.count;
#pragma GCC ivdep
  for (int64_t i = 0; i < count; ++i)
    grad_x[i] = static_cast<T>(static_cast<float>(grad_y[i]) *
                               f.derivative(static_cast<float>(x[i]), static_cast<float>(y[i])));
}

// Both operands have the same shape, as in residual connections.
D2L_SIMD void add_halves(const Bfloat16* a, const Bfloat16* b, Bfloat16* out, int64_t count) {
#pragma GCC ivdep
  for (int64_t i = 0; i < count; ++i)
    out[i] = static_cast<Bfloat16>(static_cast<float>(a[i]) + static_cast<float>(b[i]));
}

D2L_SIMD void scale_run(float alpha, const float* x, float* y, int64_t count) {
#pragma GCC ivdep
  for (int64_t i = 0; i < count; ++i) y[i] = alpha * x[i];
}

D2L_SIMD void axpby_run(float alpha, const float* x, float beta, float* y, int64_t count) {
#pragma GCC ivdep
  for (int64_t i = 0; i < count; ++i) y[i] = alpha * x[i] + beta * y[i];
}

// formulas::Exp and formulas::Log without library calls.
struct VectorExp {
  float operator()(float x) const { return vector_exp(x); }
};
struct VectorLog {
  float operator()(float x) const { return vector_log(x); }
};
struct Cube {
  float operator()(float x) const { return x * x * x; }
};

}  // namespace

void CpuBackend::do_unary(Unary op, ConstView x, View y) {
  if (op == Unary::exp) return map(VectorExp{}, x, y);
  if (op == Unary::log) return map(VectorLog{}, x, y);
  visit(op, [&](auto f) { map(f, x, y); });
}

void CpuBackend::do_unary_backward(Unary op, ConstView x, ConstView y, ConstView grad_y,
                                   View grad_x) {
  visit_float(grad_x.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* at_y = y.as<T>();
    const T* at_x = x ? x.as<T>() : at_y;
    const T* at_grad_y = grad_y.as<T>();
    T* at_grad_x = grad_x.as<T>();
    visit(op, [&](auto f) {
      parallel_for(grad_x.elements(), kGrain, [&](int64_t begin, int64_t end) {
        derivative_run(f, DerivativeRun<T>{at_x + begin, at_y + begin, at_grad_y + begin,
                                           at_grad_x + begin, end - begin});
      });
    });
  });
}

void CpuBackend::do_binary(Binary op, ConstView a, ConstView b, View out) {
  const bool halves = a.dtype == DType::bf16 && b.dtype == DType::bf16;
  if (op == Binary::add && halves && a.shape == b.shape) {
    parallel_for(out.elements(), kGrain, [&](int64_t begin, int64_t end) {
      add_halves(a.as<Bfloat16>() + begin, b.as<Bfloat16>() + begin, out.as<Bfloat16>() + begin,
                 end - begin);
    });
    return;
  }
  const WidenedInput left(*this, a), right(*this, b);
  const WidenedOutput result(*this, out);
  visit(op, [&](auto f) { broadcast_binary<float>(f, left.view(), right.view(), result.view()); });
}

void CpuBackend::do_binary_scalar(Binary op, ConstView a, double b, View out) {
  // std::pow is a library call per element; these exponents do not need it.
  if (op == Binary::pow && b == 2.0) return map(formulas::Square{}, a, out);
  if (op == Binary::pow && b == 3.0) return map(Cube{}, a, out);
  if (op == Binary::pow && b == 0.5) return map(formulas::Sqrt{}, a, out);
  const float right = static_cast<float>(b);
  visit(op, [&](auto f) { map([f, right](float left) { return f(left, right); }, a, out); });
}

void CpuBackend::do_scalar_binary(Binary op, double a, ConstView b, View out) {
  const float left = static_cast<float>(a);
  visit(op, [&](auto f) { map([f, left](float right) { return f(left, right); }, b, out); });
}

void CpuBackend::do_compare(Compare op, ConstView a, ConstView b, View out) {
  visit(op, [&](auto f) { broadcast_binary<uint8_t>(f, a, b, out); });
}

void CpuBackend::do_axpby(double alpha, ConstView x, double beta, View y) {
  if (y.dtype != DType::f32) {
    const WidenedInput wide_x(*this, x), wide_y(*this, y);
    const WidenedOutput result(*this, y);
    convert(*this, wide_y.view(), result.view());
    return axpby(alpha, wide_x.view(), beta, result.view());
  }
  const WidenedInput wide_x(*this, x);
  const float* from = wide_x.view().as<float>();
  float* to = y.as<float>();
  const float scale_x = static_cast<float>(alpha), scale_y = static_cast<float>(beta);
  parallel_for(y.elements(), kGrain, [&](int64_t begin, int64_t end) {
    if (beta == 0)
      scale_run(scale_x, from + begin, to + begin, end - begin);
    else
      axpby_run(scale_x, from + begin, scale_y, to + begin, end - begin);
  });
}

}  // namespace d2l::cpu
