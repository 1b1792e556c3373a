#include <cmath>

#include "tests/backend/cuda/compare.h"

namespace d2l::test {
namespace {

struct Case {
  Shape x;
  Extent window{2, 2}, stride{2, 2}, padding{0, 0};
  bool ceil = false;

  Pool2dParams params(Pooling kind) const { return {kind, window, stride, padding, ceil}; }
  Shape y() const {
    const auto outputs = [this](int64_t size, int64_t of, int64_t step, int64_t pad) {
      const int64_t room = size + 2 * pad - of;
      return (ceil ? room + step - 1 : room) / step + 1;
    };
    return {x[0], outputs(x[1], window.height, stride.height, padding.height),
            outputs(x[2], window.width, stride.width, padding.width), x[3]};
  }
};

// Channels that make whole packs and that do not, windows apart and over each other.
const std::vector<Case> kCases = {
    {{5, 8, 8, 6}},
    {{2, 10, 10, 16}},
    {{3, 7, 9, 1}},
    {{1, 9, 7, 3}},
    {{0, 8, 8, 6}},
    {{3, 12, 11, 20}, {3, 3}, {2, 2}, {1, 1}},
    {{1, 13, 8, 64}, {3, 3}, {2, 2}, {0, 0}},
    {{2, 9, 9, 6}, {3, 3}, {1, 1}, {1, 1}},
    {{2, 11, 12, 6}, {2, 2}, {3, 3}, {0, 0}},
    {{2, 11, 12, 8}, {1, 2}, {3, 4}, {0, 1}},
    {{2, 7, 7, 24}, {7, 7}, {1, 1}, {0, 0}},
    {{1, 15, 17, 5}, {15, 17}, {1, 1}, {0, 0}},
    {{2, 6, 10, 32}, {2, 5}, {1, 2}, {1, 2}},
};
const std::vector<Case> kCeil = {
    {{2, 6, 4, 3}, {3, 3}, {2, 2}, {0, 0}, true},
    {{2, 6, 4, 8}, {3, 3}, {2, 2}, {0, 0}, true},
};

std::vector<Case> with_ceil() {
  std::vector<Case> all = kCases;
  all.insert(all.end(), kCeil.begin(), kCeil.end());
  return all;
}

// Few different values, so that many are equal.
Tensor rounded(const Tensor& x) {
  Tensor result = x.cast(DType::f32).clone();
  for (int64_t i = 0; i < result.elements(); ++i)
    result.data<float>()[i] = std::round(result.data<float>()[i]);
  return result.cast(x.dtype());
}

// One rounding of a sum of few terms.
Tolerance tolerance_of(DType dtype) {
  return dtype == DType::f32 ? Tolerance{1e-6, 1e-6} : Tolerance{1.0 / 128, 1e-6};
}

TEST(CudaPooling, LargestAndItsPosition) {
  for (const Case& c : with_ceil())
    for (DType dtype : kFloats)
      EXPECT_TRUE(like_cpu({{rounded(random_tensor(c.x, dtype))},
                            {unwritten(c.y(), dtype), unwritten(c.y(), DType::u8)}},
                           [&](Backend& on, const auto& in, const auto& out) {
                             on.pool2d(c.params(Pooling::max), in[0], out[0], out[1]);
                           }))
          << c.x;
}

TEST(CudaPooling, LargestWithoutPositions) {
  for (const Case& c : kCases)
    EXPECT_TRUE(like_cpu({{random_tensor(c.x)}, {unwritten(c.y())}}, [&](Backend& on,
                                                                         const auto& in,
                                                                         const auto& out) {
      on.pool2d(c.params(Pooling::max), in[0], out[0], {});
    })) << c.x;
}

TEST(CudaPooling, NaNAndInfinitiesWinAsOnTheCpu) {
  for (int64_t channels : {1, 8, 16}) {
    Tensor x = random_tensor({2, 6, 6, channels});
    for (int64_t i = 0; i < x.elements(); ++i) {
      if (i % 7 == 0) x.data<float>()[i] = std::numeric_limits<float>::quiet_NaN();
      if (i / channels < 18) x.data<float>()[i] = -std::numeric_limits<float>::infinity();
    }
    const Shape y{2, 3, 3, channels};
    EXPECT_TRUE(like_cpu({{x}, {unwritten(y), unwritten(y, DType::u8)}},
                         [](Backend& on, const auto& in, const auto& out) {
                           on.pool2d({}, in[0], out[0], out[1]);
                         }));
  }
}

TEST(CudaPooling, Average) {
  for (const Case& c : kCases)
    for (DType dtype : kFloats)
      EXPECT_TRUE(like_cpu(
          {{random_tensor(c.x, dtype)}, {unwritten(c.y(), dtype)}},
          [&](Backend& on, const auto& in, const auto& out) {
            on.pool2d(c.params(Pooling::average), in[0], out[0], {});
          },
          tolerance_of(dtype)))
          << c.x;
}

TEST(CudaPooling, GradientOfAverage) {
  for (const Case& c : kCases)
    for (DType dtype : kFloats)
      EXPECT_TRUE(like_cpu(
          {{random_tensor(c.y(), dtype)}, {unwritten(c.x, dtype)}},
          [&](Backend& on, const auto& in, const auto& out) {
            on.pool2d_backward(c.params(Pooling::average), in[0], {}, out[0]);
          },
          tolerance_of(dtype)))
          << c.x;
}

TEST(CudaPooling, GradientOfLargest) {
  for (const Case& c : with_ceil())
    for (DType dtype : kFloats) {
      const Tensor x = random_tensor(c.x, dtype);
      const Pool2dParams params = c.params(Pooling::max);
      EXPECT_TRUE(like_cpu(
          {{x, random_tensor(c.y(), dtype)},
           {unwritten(c.y(), dtype), unwritten(c.y(), DType::u8), unwritten(c.x, dtype)}},
          [&](Backend& on, const auto& in, const auto& out) {
            on.pool2d(params, in[0], out[0], out[1]);
            on.pool2d_backward(params, in[1], out[1], out[2]);
          },
          tolerance_of(dtype)))
          << c.x;
    }
}

TEST(CudaPooling, GradientBeforeAnActivation) {
  for (Activation activation :
       {Activation::none, Activation::relu, Activation::sigmoid, Activation::tanh})
    for (Pooling kind : {Pooling::max, Pooling::average})
      for (const Case& c : {kCases[0], kCases[1], kCases[5], kCases[7]})
        for (DType dtype : kFloats) {
          ConvPoolParams params;
          params.conv.activation = activation;
          params.pool = c.params(kind);
          const Tensor y = rounded(random_tensor(c.x, dtype, -1, 1));
          EXPECT_TRUE(like_cpu(
              {{y, random_tensor(c.y(), dtype)},
               {unwritten(c.y(), dtype), unwritten(c.y(), DType::u8), unwritten(c.x, dtype)}},
              [&](Backend& on, const auto& in, const auto& out) {
                on.pool2d(params.pool, in[0], out[0], kind == Pooling::max ? out[1] : View{});
                on.activated_pool2d_backward(params, in[0], in[1], out[1], out[2]);
              },
              tolerance_of(dtype)))
              << c.x << " " << static_cast<int>(activation);
        }
}

// `shape` from the second element of a flat array on.
View after_first(const View& flat, const Shape& shape) {
  return {flat.as<std::byte>() + size_of(flat.dtype), flat.dtype, shape};
}
ConstView after_first(const ConstView& flat, const Shape& shape) {
  return {flat.as<std::byte>() + size_of(flat.dtype), flat.dtype, shape};
}

TEST(CudaPooling, AddressesNeedNotBeAligned) {
  const Case c{{2, 7, 9, 16}, {3, 3}, {2, 2}, {1, 1}};
  const Shape x{1 + c.x.elements()}, y{1 + c.y().elements()};
  for (DType dtype : kFloats)
    for (Pooling kind : {Pooling::max, Pooling::average})
      EXPECT_TRUE(like_cpu(
          {{random_tensor(x, dtype)},
           {unwritten(y, dtype), unwritten(y, DType::u8), unwritten(x, dtype)}},
          [&](Backend& on, const auto& in, const auto& out) {
            const View to = after_first(out[0], c.y()), won = after_first(out[1], c.y());
            on.pool2d(c.params(kind), after_first(in[0], c.x), to,
                      kind == Pooling::max ? won : View{});
            on.pool2d_backward(c.params(kind), to, won, after_first(out[2], c.x));
          },
          // the CPU does not round an f16 result that lies between
          dtype == DType::f16 ? Tolerance{1.0 / 128, 1e-3} : tolerance_of(dtype)));
}

}  // namespace
}  // namespace d2l::test
