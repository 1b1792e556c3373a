#include "framework/backend/cuda/cuda_backend.h"
#include "framework/backend/cuda/launch.h"
#include "framework/backend/cuda/map.h"
#include "framework/backend/cuda/walk.h"

namespace d2l::cuda {
namespace {

template <class F>
struct Derivative {
  F f;
  __device__ float operator()(float x, float y, float grad_y) const {
    return grad_y * f.derivative(x, y);
  }
};
template <class F>
struct WithRight {
  F f;
  float right;
  __device__ float operator()(float left) const { return f(left, right); }
};
template <class F>
struct WithLeft {
  F f;
  float left;
  __device__ float operator()(float right) const { return f(left, right); }
};
struct Cube {
  __device__ float operator()(float x) const { return x * x * x; }
};
struct Scale {
  float alpha;
  __device__ float operator()(float x) const { return alpha * x; }
};
struct ScaleAndAdd {
  float alpha, beta;
  __device__ float operator()(float x, float y) const { return alpha * x + beta * y; }
};

template <class F>
void map_view(const Queue& queue, const F& f, const ConstView& x, const View& y) {
  visit_float(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    map(queue, y.elements(), f, y.as<T>(), x.as<T>());
  });
}

// The loops over a and b, in the order of out's elements.
LoopNest<2> broadcast_nest(const Shape& a, const Shape& b, const Shape& out) {
  const Strides strides_a = contiguous_strides(a), strides_b = contiguous_strides(b);
  LoopNest<2> nest;
  for (int axis = 0; axis < out.rank(); ++axis) {
    const int in_a = axis - out.rank() + a.rank(), in_b = axis - out.rank() + b.rank();
    nest.append(out[axis], {in_a >= 0 && a[in_a] > 1 ? strides_a[in_a] : 0,
                            in_b >= 0 && b[in_b] > 1 ? strides_b[in_b] : 0});
  }
  return nest;
}

// An operand of any activation type. Its step along the innermost axis is 1, or 0 if it repeats.
struct Operand {
  const void* data;
  DType dtype;
  bool repeats;

  template <int kWide>
  __device__ void load(int64_t at, float (&to)[kWide]) const {
    if (dtype == DType::bf16)
      load_as(static_cast<const Bfloat16*>(data) + at, to);
    else if (dtype == DType::f16)
      load_as(static_cast<const Float16*>(data) + at, to);
    else
      load_as(static_cast<const float*>(data) + at, to);
  }

  template <int kWide>
  bool is_aligned() const {
    return repeats || are_aligned(size_of(dtype) * kWide, data);
  }

 private:
  template <class T, int kWide>
  __device__ void load_as(const T* from, float (&to)[kWide]) const {
    if (repeats) {
      const auto value = static_cast<float>(*from);
      for (int k = 0; k < kWide; ++k) to[k] = value;
    } else {
      const auto pack = load_pack<kWide>(from);
      for (int k = 0; k < kWide; ++k) to[k] = static_cast<float>(pack.at[k]);
    }
  }
};

// The result of a formula: activations, or u8 for comparisons.
struct Result {
  void* data;
  DType dtype;

  template <int kWide>
  __device__ void store(int64_t at, const float (&values)[kWide]) const {
    if (dtype == DType::bf16)
      store_as<Bfloat16>(at, values);
    else if (dtype == DType::f16)
      store_as<Float16>(at, values);
    else
      store_as<float>(at, values);
  }
  template <int kWide>
  __device__ void store(int64_t at, const bool (&values)[kWide]) const {
    store_as<uint8_t>(at, values);
  }

 private:
  template <class T, class Value, int kWide>
  __device__ void store_as(int64_t at, const Value (&values)[kWide]) const {
    Pack<T, kWide> pack;
    for (int k = 0; k < kWide; ++k) pack.at[k] = static_cast<T>(values[k]);
    store_pack(pack, static_cast<T*>(data) + at);
  }
};

template <class F, int kWide>
struct Broadcast {
  Walk<2> walk;
  F f;
  Operand a, b;
  Result out;

  __device__ void operator()(int64_t item) const {
    const Offsets<2> offsets = walk.at(item);
    float left[kWide], right[kWide];
    a.load(offsets.in[0], left);
    b.load(offsets.in[1], right);
    decltype(f(0.0f, 0.0f)) values[kWide];
    for (int k = 0; k < kWide; ++k) values[k] = f(left[k], right[k]);
    out.store(item * kWide, values);
  }
};

Operand operand(const ConstView& view, int64_t step) { return {view.data, view.dtype, step == 0}; }

// For any shapes and types.
template <class F>
void broadcast(const Queue& queue, F f, const LoopNest<2>& nest, const ConstView (&in)[2],
               const View& out) {
  constexpr int kWide = 4;
  const auto [step_a, step_b] = nest.column_steps();
  const Operand a = operand(in[0], step_a), b = operand(in[1], step_b);
  const Result result{out.data, out.dtype};
  if (divides(nest, kWide) && a.is_aligned<kWide>() && b.is_aligned<kWide>() &&
      are_aligned(size_of(out.dtype) * kWide, out.data)) {
    const Walk<2> walk = walk_of(nest, kWide);
    for_each(queue, walk.items, Broadcast<F, kWide>{walk, f, a, b, result});
  } else {
    const Walk<2> walk = walk_of(nest);
    for_each(queue, walk.items, Broadcast<F, 1>{walk, f, a, b, result});
  }
}

bool are_flat(const LoopNest<2>& nest) {
  return nest.rank() <= 1 && nest.column_steps() == LoopNest<2>::Steps{1, 1};
}

}  // namespace

void CudaBackend::do_unary(Unary op, ConstView x, View y) {
  visit(op, [&](auto f) { map_view(queue_, f, x, y); });
}

void CudaBackend::do_unary_backward(Unary op, ConstView x, ConstView y, ConstView grad_y,
                                    View grad_x) {
  const ConstView given = x ? x : y;  // not read if it is absent
  visit_float(grad_x.dtype, [&](auto zero) {
    using T = decltype(zero);
    visit(op, [&](auto f) {
      map(queue_, grad_x.elements(), Derivative<decltype(f)>{f}, grad_x.as<T>(), given.as<T>(),
          y.as<T>(), grad_y.as<T>());
    });
  });
}

void CudaBackend::do_binary(Binary op, ConstView a, ConstView b, View out) {
  if (out.elements() == 0) return;
  const LoopNest<2> nest = broadcast_nest(a.shape, b.shape, out.shape);
  const bool flat = are_flat(nest) && a.dtype == out.dtype && b.dtype == out.dtype;
  visit(op, [&](auto f) {
    if (!flat) return broadcast(queue_, f, nest, {a, b}, out);
    visit_float(out.dtype, [&](auto zero) {
      using T = decltype(zero);
      map(queue_, out.elements(), f, out.as<T>(), a.as<T>(), b.as<T>());
    });
  });
}

void CudaBackend::do_binary_scalar(Binary op, ConstView a, double b, View out) {
  if (op == Binary::pow && b == 2.0) return map_view(queue_, formulas::Square{}, a, out);
  if (op == Binary::pow && b == 3.0) return map_view(queue_, Cube{}, a, out);
  if (op == Binary::pow && b == 0.5) return map_view(queue_, formulas::Sqrt{}, a, out);
  const auto right = static_cast<float>(b);
  visit(op, [&](auto f) { map_view(queue_, WithRight<decltype(f)>{f, right}, a, out); });
}

void CudaBackend::do_scalar_binary(Binary op, double a, ConstView b, View out) {
  const auto left = static_cast<float>(a);
  visit(op, [&](auto f) { map_view(queue_, WithLeft<decltype(f)>{f, left}, b, out); });
}

void CudaBackend::do_compare(Compare op, ConstView a, ConstView b, View out) {
  if (out.elements() == 0) return;
  const LoopNest<2> nest = broadcast_nest(a.shape, b.shape, out.shape);
  visit(op, [&](auto f) {
    if (!are_flat(nest)) return broadcast(queue_, f, nest, {a, b}, out);
    map(queue_, out.elements(), f, out.as<uint8_t>(), a.as<float>(), b.as<float>());
  });
}

void CudaBackend::do_axpby(double alpha, ConstView x, double beta, View y) {
  const auto scale_x = static_cast<float>(alpha), scale_y = static_cast<float>(beta);
  visit_floats(x.dtype, y.dtype, [&](auto x_zero, auto y_zero) {
    const auto* from = x.as<decltype(x_zero)>();
    auto* to = y.as<decltype(y_zero)>();
    if (beta == 0)
      map(queue_, y.elements(), Scale{scale_x}, to, from);
    else
      map(queue_, y.elements(), ScaleAndAdd{scale_x, scale_y}, to, from,
          static_cast<const decltype(y_zero)*>(to));
  });
}

}  // namespace d2l::cuda
