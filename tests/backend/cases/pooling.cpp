#include <cmath>

#include "tests/backend/cases/compare.h"
#include "tests/backend/naive.h"

namespace d2l::test {
namespace {

struct PlainPooling {
  void pool2d(const Pool2dParams& p, const ConstView& x, const View& y, const View& winners) const {
    const Doubles from = doubles(x);
    const bool largest = p.kind == Pooling::max;
    const auto size = static_cast<double>(p.window.height * p.window.width);
    Doubles to(static_cast<size_t>(y.elements())), positions(to.size(), -1);
    naive::for_windows(p, x.shape, y.shape, [&](int64_t i, int64_t o, int64_t position) {
      if (!largest) {
        to[o] += from[i] / size;
      } else if (positions[o] < 0 || from[i] > to[o] || std::isnan(from[i])) {
        to[o] = from[i];
        positions[o] = static_cast<double>(position);
      }
    });
    store(y, to);
    if (largest) store(winners, positions);
  }

  void pool2d_backward(const Pool2dParams& p, const ConstView& grad_y, const ConstView& winners,
                       const View& grad_x) const {
    const Doubles from = doubles(grad_y);
    const Doubles positions = p.kind == Pooling::max ? doubles(winners) : Doubles();
    const auto size = static_cast<double>(p.window.height * p.window.width);
    Doubles to(static_cast<size_t>(grad_x.elements()));
    naive::for_windows(p, grad_x.shape, grad_y.shape, [&](int64_t i, int64_t o, int64_t position) {
      if (p.kind == Pooling::average)
        to[i] += from[o] / size;
      else if (position == static_cast<int64_t>(positions[o]))
        to[i] += from[o];
    });
    store(grad_x, to);
  }

  void activated_pool2d_backward(const ConvPoolParams& p, const ConstView& y,
                                 const ConstView& grad_y, const ConstView& winners,
                                 const View& grad_x) const {
    pool2d_backward(p.pool, grad_y, winners, grad_x);
    const Doubles results = doubles(y);
    Doubles gradient = doubles(grad_x);
    for (size_t i = 0; i < gradient.size(); ++i)
      gradient[i] *= slope(p.conv.activation, results[i]);
    store(grad_x, gradient);
  }

 private:
  static double slope(Activation activation, double y) {
    switch (activation) {
      case Activation::relu:
        return y > 0 ? 1 : 0;
      case Activation::sigmoid:
        return y * (1 - y);
      case Activation::tanh:
        return 1 - y * y;
      case Activation::none:
        break;
    }
    return 1;
  }
};

struct PoolCase {
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

// Channels that fill whole packs and that do not, separate and overlapping windows.
const std::vector<PoolCase> kCases = {
    {{5, 8, 8, 6}},
    {{2, 10, 10, 16}},
    {{3, 12, 11, 20}, {3, 3}, {2, 2}, {1, 1}},
    {{2, 9, 9, 6}, {3, 3}, {1, 1}, {1, 1}},
    {{17, 28, 28, 6}},
    {{17, 10, 10, 16}},
    {{3, 7, 9, 1}},
    {{1, 9, 7, 3}},
    {{0, 8, 8, 6}},
    {{2, 8, 8, 12}},
    {{3, 9, 9, 20}, {3, 3}, {3, 3}},
    {{2, 7, 9, 10}, {1, 3}, {1, 3}},
    {{1, 13, 8, 64}, {3, 3}, {2, 2}, {0, 0}},
    {{3, 13, 8, 64}, {3, 3}, {2, 2}, {0, 0}},
    {{2, 11, 12, 6}, {2, 2}, {3, 3}, {0, 0}},
    {{2, 11, 12, 8}, {1, 2}, {3, 4}, {0, 1}},
    {{2, 7, 7, 20}, {7, 7}, {1, 1}, {0, 0}},
    {{2, 7, 7, 24}, {7, 7}, {1, 1}, {0, 0}},
    {{1, 15, 17, 5}, {15, 17}, {1, 1}, {0, 0}},
    {{2, 6, 10, 3}, {2, 5}, {1, 2}, {1, 2}},
    {{2, 6, 10, 32}, {2, 5}, {1, 2}, {1, 2}},
};

// With windows that extend beyond the right and lower edges.
std::vector<PoolCase> with_ceil() {
  std::vector<PoolCase> all = kCases;
  for (int64_t channels : {3, 8})
    all.push_back({{2, 6, 4, channels}, {3, 3}, {2, 2}, {0, 0}, true});
  return all;
}

// Few distinct values, so that many are equal. Most are below 0, unlike absent elements.
Tensor rounded(const Shape& shape, DType dtype, double low = -4, double high = 1) {
  Tensor x = random_tensor(shape, DType::f32, low, high);
  for (int64_t i = 0; i < x.elements(); ++i) x.data<float>()[i] = std::round(x.data<float>()[i]);
  return x.cast(dtype);
}

TEST(MaxPooling, TakesTheFirstOfEqualValues) {
  for (const PoolCase& c : with_ceil())
    for (DType dtype : floats())
      EXPECT_TRUE(agree<PlainPooling>(
          {{rounded(c.x, dtype)}, {unwritten(c.y(), dtype), unwritten(c.y(), DType::u8)}},
          [&](auto& on, const Inputs& in, const Outputs& out) {
            on.pool2d(c.params(Pooling::max), in[0], out[0], out[1]);
          }))
          << c.x;
}

TEST(MaxPooling, WithoutPositions) {
  for (const PoolCase& c : kCases)
    for (DType dtype : floats())
      EXPECT_TRUE(agree<PlainPooling>({{random_tensor(c.x, dtype)}, {unwritten(c.y(), dtype)}},
                                      [&](auto& on, const Inputs& in, const Outputs& out) {
                                        on.pool2d(c.params(Pooling::max), in[0], out[0], {});
                                      }))
          << c.x;
}

TEST(MaxPooling, PassesNaNAndInfinitiesOn) {
  for (int64_t channels : {1, 8, 16}) {
    Tensor x = random_tensor({2, 6, 6, channels});
    for (int64_t i = 0; i < x.elements(); ++i) {
      if (i % 7 == 0) x.data<float>()[i] = kNaN;
      if (i / channels < 18) x.data<float>()[i] = -kInfinity;
    }
    const Shape y{2, 3, 3, channels};
    EXPECT_TRUE(agree<PlainPooling>({{x}, {unwritten(y), unwritten(y, DType::u8)}},
                                    [](auto& on, const Inputs& in, const Outputs& out) {
                                      on.pool2d(Pool2dParams{}, in[0], out[0], out[1]);
                                    }));
  }
}

TEST(MaxPooling, GradientGoesToTheLargest) {
  for (const PoolCase& c : with_ceil())
    for (DType dtype : floats())
      for (bool equal_values : {false, true})
        EXPECT_TRUE(agree<PlainPooling>(
            {{equal_values ? rounded(c.x, dtype) : random_tensor(c.x, dtype),
              random_tensor(c.y(), dtype)},
             {unwritten(c.y(), dtype), unwritten(c.y(), DType::u8), unwritten(c.x, dtype)}},
            [&](auto& on, const Inputs& in, const Outputs& out) {
              on.pool2d(c.params(Pooling::max), in[0], out[0], out[1]);
              on.pool2d_backward(c.params(Pooling::max), in[1], out[1], out[2]);
            },
            tolerances::kPooling))
            << c.x;
}

TEST(AveragePooling, CountsPadding) {
  std::vector<PoolCase> all = kCases;
  all.push_back({{2, 20, 30, 6}, {20, 30}, {1, 1}});  // more than 255 elements
  for (const PoolCase& c : all)
    for (DType dtype : floats())
      EXPECT_TRUE(agree<PlainPooling>(
          {{random_tensor(c.x, dtype)}, {unwritten(c.y(), dtype)}},
          [&](auto& on, const Inputs& in, const Outputs& out) {
            on.pool2d(c.params(Pooling::average), in[0], out[0], {});
          },
          tolerances::kPooling))
          << c.x;
}

TEST(AveragePooling, GradientIsSpreadEvenly) {
  for (const PoolCase& c : kCases)
    for (DType dtype : floats())
      EXPECT_TRUE(agree<PlainPooling>(
          {{random_tensor(c.y(), dtype)}, {unwritten(c.x, dtype)}},
          [&](auto& on, const Inputs& in, const Outputs& out) {
            on.pool2d_backward(c.params(Pooling::average), in[0], {}, out[0]);
          },
          tolerances::kPooling))
          << c.x;
}

TEST(Pooling, GradientBeforeAnActivation) {
  for (Activation activation :
       {Activation::none, Activation::relu, Activation::sigmoid, Activation::tanh})
    for (Pooling kind : {Pooling::max, Pooling::average})
      for (size_t i = 0; i < 4; ++i)
        for (DType dtype : floats()) {
          const PoolCase& c = kCases[i];
          ConvPoolParams params;
          params.conv.activation = activation;
          params.pool = c.params(kind);
          EXPECT_TRUE(agree<PlainPooling>(
              {{rounded(c.x, dtype, -1, 1), random_tensor(c.y(), dtype)},
               {unwritten(c.y(), dtype), unwritten(c.y(), DType::u8), unwritten(c.x, dtype)}},
              [&](auto& on, const Inputs& in, const Outputs& out) {
                on.pool2d(params.pool, in[0], out[0], kind == Pooling::max ? out[1] : View{});
                on.activated_pool2d_backward(params, in[0], in[1], out[1], out[2]);
              },
              tolerances::kPooling))
              << c.x << " " << static_cast<int>(activation);
        }
}

TEST(Pooling, AddressesNeedNotBeAligned) {
  const PoolCase c{{2, 7, 9, 16}, {3, 3}, {2, 2}, {1, 1}};
  const Shape x{1 + c.x.elements()}, y{1 + c.y().elements()};
  for (DType dtype : floats())
    for (Pooling kind : {Pooling::max, Pooling::average})
      EXPECT_TRUE(agree<PlainPooling>(
          {{random_tensor(x, dtype)},
           {unwritten(y, dtype), unwritten(y, DType::u8), unwritten(x, dtype)}},
          [&](auto& on, const Inputs& in, const Outputs& out) {
            const View to = part(out[0], 1, c.y()), won = part(out[1], 1, c.y());
            on.pool2d(c.params(kind), part(in[0], 1, c.x), to, kind == Pooling::max ? won : View{});
            on.pool2d_backward(c.params(kind), to, won, part(out[2], 1, c.x));
          },
          tolerances::kPoolingTwice));
}

TEST(Pooling, RepeatsItsBitsWithoutMoreMemory) {
  for (const PoolCase& c : kCases)
    EXPECT_TRUE(repeats({{random_tensor(c.x), random_tensor(c.y())},
                         {unwritten(c.y()), unwritten(c.y(), DType::u8), unwritten(c.x),
                          unwritten(c.y()), unwritten(c.x)}},
                        [&](Backend& on, const Inputs& in, const Outputs& out) {
                          const Pool2dParams max = c.params(Pooling::max);
                          const Pool2dParams average = c.params(Pooling::average);
                          on.pool2d(max, in[0], out[0], out[1]);
                          on.pool2d_backward(max, in[1], out[1], out[2]);
                          on.pool2d(average, in[0], out[3], out[1]);
                          on.pool2d_backward(average, in[1], out[1], out[4]);
                        }))
        << c.x;
}

}  // namespace
}  // namespace d2l::test
