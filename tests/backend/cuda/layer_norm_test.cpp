#include <cmath>

#include "tests/backend/cuda/compare.h"

namespace d2l::test {
namespace {

constexpr LayerNormParams kParams{1e-3};

void convert(Backend& on, ConstView from, View to) {
  const Strides strides = contiguous_strides(from.shape);
  on.copy({from.data, from.dtype, from.shape, strides}, {to.data, to.dtype, to.shape, strides},
          false);
}

// The CPU has layer normalisation for f32 only: activations in bf16 are converted for it,
// those in f16 have been.
struct Wide {
  Wide(Backend& backend, ConstView in) : on(backend), view(in) {
    if (!needed()) return;
    tensor = Tensor(on, in.shape);
    convert(on, in, tensor.view());
    view = tensor.view();
  }
  bool needed() const { return on.device().kind == DeviceKind::cpu && view.dtype == DType::bf16; }
  Backend& on;
  ConstView view;
  Tensor tensor;
};
struct WideResult {
  WideResult(Backend& backend, View result) : on(backend), out(result), view(result) {
    if (on.device().kind == DeviceKind::cuda || out.dtype == DType::f32) return;
    tensor = Tensor(on, out.shape);
    view = tensor.view();
  }
  ~WideResult() {
    if (tensor.defined()) convert(on, view, out);
  }
  Backend& on;
  View out, view;
  Tensor tensor;
};

struct Case {
  Shape shape;
  DType dtype = DType::f32;
  int64_t first = 0;  // of the activations and parameters in larger memory

  int64_t columns() const { return shape.size(-1); }
  Shape rows() const { return shape.without_axis(-1); }
  Tolerance tolerance(double absolute) const {
    return {is_half(dtype) ? 1.0 / 128 : 1e-5, absolute};
  }
  Tensor activations(double low, double high) const {
    return random_tensor({shape.elements() + first}, dtype, low, high);
  }
  Tensor parameters() const { return random_tensor({columns() + first}, DType::f32, 0.5, 2); }
  Tensor result() const { return unwritten({shape.elements() + first}, dtype); }
};

// The part of a memory that holds `shape`.
ConstView part(ConstView memory, int64_t first, const Shape& shape) {
  const auto size = static_cast<int64_t>(size_of(memory.dtype));
  return {memory.as<char>() + first * size, memory.dtype, shape};
}
View part(View memory, int64_t first, const Shape& shape) {
  const auto size = static_cast<int64_t>(size_of(memory.dtype));
  return {memory.as<char>() + first * size, memory.dtype, shape};
}

testing::AssertionResult same_forward(const Case& test, double low = 18, double high = 22) {
  // far from 0, where naive formulas for the variance lose their digits
  const Arguments arguments{{test.activations(low, high), test.parameters(), test.parameters()},
                            {test.result(), unwritten(test.rows()), unwritten(test.rows())}};
  return like_cpu(
      arguments,
      [&](Backend& on, const auto& in, const auto& out) {
        const Shape channels{test.columns()};
        const Wide x(on, part(in[0], test.first, test.shape));
        const WideResult y(on, part(out[0], test.first, test.shape));
        on.layer_norm(
            kParams,
            {x.view, part(in[1], test.first, channels), part(in[2], test.first, channels), {}},
            y.view, {out[1], out[2]});
      },
      test.tolerance(2e-5));
}

testing::AssertionResult same_backward(const Case& test) {
  const Shape channels{test.columns()};
  const Arguments arguments{
      {test.activations(-2, 2), test.parameters(), test.parameters(), test.activations(-1, 1)},
      {test.result(), unwritten(channels), unwritten(channels),
       random_tensor(test.rows(), DType::f32, -0.2, 0.2),
       random_tensor(test.rows(), DType::f32, 0.5, 2)}};
  const double rows = static_cast<double>(test.rows().elements());
  return like_cpu(
      arguments,
      [&](Backend& on, const auto& in, const auto& out) {
        const Wide x(on, part(in[0], test.first, test.shape));
        const Wide grad_y(on, part(in[3], test.first, test.shape));
        const WideResult grad_x(on, part(out[0], test.first, test.shape));
        on.layer_norm_backward(
            kParams,
            {x.view, part(in[1], test.first, channels), part(in[2], test.first, channels), {}},
            {out[3], out[4]}, grad_y.view, {grad_x.view, out[1], out[2], {}});
      },
      test.tolerance(2e-6 * std::sqrt(rows)));
}

void expect_like_cpu(const Case& test) {
  EXPECT_TRUE(same_forward(test)) << test.shape << " " << to_string(test.dtype);
  EXPECT_TRUE(same_backward(test)) << test.shape << " " << to_string(test.dtype);
}

TEST(CudaLayerNorm, RowsOfGroups) {
  for (DType dtype : kFloats)
    for (const Shape& shape :
         {Shape{1}, Shape{3, 1}, Shape{5, 2}, Shape{300, 8}, Shape{7, 10}, Shape{70, 32},
          Shape{2, 35, 33}, Shape{9, 256}, Shape{9, 260}, Shape{9, 257}, Shape{17, 512},
          Shape{2, 3, 768}, Shape{9, 1024}, Shape{5, 1001}, Shape{1500, 16}})
      expect_like_cpu({shape, dtype});
}

TEST(CudaLayerNorm, RowsOfBlocks) {
  for (DType dtype : kFloats)
    for (const Shape& shape : {Shape{3, 1032}, Shape{6, 2048}, Shape{2, 1501}, Shape{3, 4096},
                               Shape{5, 3001}, Shape{2, 8192}, Shape{2, 8191}})
      expect_like_cpu({shape, dtype});
}

TEST(CudaLayerNorm, LongRows) {
  for (DType dtype : kFloats) {
    expect_like_cpu({{3, 8193}, dtype});
    expect_like_cpu({{40, 9000}, dtype});
  }
}

TEST(CudaLayerNorm, AnyAddress) {
  for (DType dtype : kFloats)
    for (int64_t first : {1, 4, 8})
      for (const Shape& shape : {Shape{30, 32}, Shape{5, 768}, Shape{3, 1536}})
        expect_like_cpu({shape, dtype, first});
}

TEST(CudaLayerNorm, ManyRowsPerBlock) {
  expect_like_cpu({{40000, 4}});
  expect_like_cpu({{2500, 520}});
}

TEST(CudaLayerNorm, EqualElementsHaveNoVariance) {
  EXPECT_TRUE(same_forward({{5, 64}}, 3, std::nextafter(3.0, 4.0)));
}

TEST(CudaLayerNorm, Empty) { expect_like_cpu({{0, 5}}); }

}  // namespace
}  // namespace d2l::test
