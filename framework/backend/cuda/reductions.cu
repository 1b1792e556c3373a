#include <limits>
#include <type_traits>

#include "framework/backend/cuda/cuda_backend.h"
#include "framework/backend/cuda/launch.h"
#include "framework/backend/cuda/reduce_axis.h"
#include "framework/backend/loop_nest.h"

namespace d2l::cuda {
namespace {

// Sums and, with a divisor, means.
struct Sum {
  using Value = float;
  float divisor = 1;

  Sum part() const { return {}; }
  __device__ float nothing() const { return 0; }
  template <class X>
  __device__ float load(X x, int64_t) const {
    return static_cast<float>(x);
  }
  __device__ float combine(float a, float b) const { return a + b; }
  template <class Y>
  __device__ void store(float value, Y& to) const {
    to = static_cast<Y>(value / divisor);
  }
};

template <class Better, int kSign>
struct Extreme {
  using Value = float;

  Extreme part() const { return {}; }
  __device__ float nothing() const { return kSign * std::numeric_limits<float>::infinity(); }
  template <class X>
  __device__ float load(X x, int64_t) const {
    return static_cast<float>(x);
  }
  __device__ float combine(float a, float b) const { return Better{}(a, b); }
  template <class Y>
  __device__ void store(float value, Y& to) const {
    to = static_cast<Y>(value);
  }
};

template <class Op, class X, class Y>
struct StoreEach {
  Op op;
  const X* x;
  Y* y;
  __device__ void operator()(int64_t i) const { op.store(op.load(x[i], 0), y[i]); }
};

using Nest = LoopNest<2>;

// The axes of (x, y): runs of kept axes step through y, runs of reduced axes do not.
Nest nest_of(const Shape& x, const Shape& y) {
  Nest nest;
  const Strides in = contiguous_strides(x), out = contiguous_strides(y);
  for (int axis = 0; axis < x.rank(); ++axis)
    nest.append(x[axis], {in[axis], y[axis] == 1 ? 0 : out[axis]});
  return nest;
}

// Reduces the runs of axes before `end`, within a run of `inner` kept elements. The innermost run
// goes first, since it reduces the data most.
template <class Op, class X, class Y>
struct Reduce {
  const LaunchContext& context;
  const Op& op;
  const Nest& nest;
  Y* y;

  void run(int end, int64_t left, int64_t inner, const X* x) const {
    int last = end - 1;
    for (; last >= 0 && nest.steps(last)[1] != 0; --last) inner *= nest.size(last);
    if (last < 0) return for_each(context.queue, left, StoreEach<Op, X, Y>{op, x, y});
    const int64_t n = nest.size(last), outer = left / n / inner;
    const Axis axis{outer, n, inner};
    bool more = false;
    for (int k = 0; k < last; ++k) more = more || nest.steps(k)[1] == 0;
    if (!more) return reduce_axis(context, op, axis, x, y);
    Scratch<float> next(context.pool, outer * inner);
    reduce_axis(context, op.part(), axis, x, next.data());
    Reduce<Op, float, Y>{context, op, nest, y}.run(last, outer * inner, inner, next.data());
  }
};

template <class Op>
void reduce_all(const LaunchContext& context, const Op& op, ConstView x, View y) {
  visit_floats(x.dtype, y.dtype, [&](auto zero_x, auto zero_y) {
    using X = decltype(zero_x);
    using Y = decltype(zero_y);
    if (x.elements() == 0)
      return reduce_axis(context, op, {y.elements(), 0, 1}, x.as<X>(), y.as<Y>());
    const Nest nest = nest_of(x.shape, y.shape);
    Reduce<Op, X, Y>{context, op, nest, y.as<Y>()}.run(nest.rank(), x.elements(), 1, x.as<X>());
  });
}

}  // namespace

void CudaBackend::do_reduce(Reduction op, ConstView x, View y) {
  if (y.elements() == 0) return;
  const LaunchContext context{queue_, pool_};
  switch (op) {
    case Reduction::sum:
      return reduce_all(context, Sum{}, x, y);
    case Reduction::mean:
      return reduce_all(context, Sum{static_cast<float>(x.elements() / y.elements())}, x, y);
    case Reduction::max:
      return reduce_all(context, Extreme<Larger, -1>{}, x, y);
    case Reduction::min:
      return reduce_all(context, Extreme<Smaller, 1>{}, x, y);
  }
}

}  // namespace d2l::cuda
