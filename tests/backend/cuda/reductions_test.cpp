#include <cmath>
#include <limits>

#include "tests/backend/cuda/compare.h"

namespace d2l::test {
namespace {

constexpr Reduction kAll[] = {Reduction::sum, Reduction::mean, Reduction::max, Reduction::min};
constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct Case {
  Shape x, y;
};

Kernel reduction(Reduction op) {
  return [op](Backend& on, const auto& in, const auto& out) { on.reduce(op, in[0], out[0]); };
}

// Sums are taken in other orders than on the CPU; a result in 16 bits may round the other way.
Tolerance tolerance(Reduction op, const Case& test, DType result) {
  if (op == Reduction::max || op == Reduction::min) return {};
  const double count = static_cast<double>(test.x.elements()) /
                       std::max(1.0, static_cast<double>(test.y.elements()));
  const double rounding = 2e-6 * (op == Reduction::sum ? std::sqrt(count) : 1);
  return {is_half(result) ? 1.0 / 128 : 1e-6, rounding};
}

void expect_like_cpu(const Case& test, DType x = DType::f32, DType y = DType::f32) {
  for (Reduction op : kAll)
    EXPECT_TRUE(like_cpu({{random_tensor(test.x, x)}, {unwritten(test.y, y)}}, reduction(op),
                         tolerance(op, test, y)))
        << test.x << " to " << test.y << " op " << static_cast<int>(op);
}

TEST(CudaReduce, NothingToReduce) {
  for (const Case& test :
       {Case{{}, {}}, Case{{1}, {1}}, Case{{37, 53}, {37, 53}}, Case{{1, 10}, {1, 10}}})
    expect_like_cpu(test);
}

TEST(CudaReduce, AllToOne) {
  for (int64_t count : {2, 17, 1023, 1025, 8191, 8192, 20003, 100001})
    expect_like_cpu({{count}, {1}});
  expect_like_cpu({{37, 53}, {1, 1}});
}

TEST(CudaReduce, Rows) {
  for (const Shape& x : {Shape{50, 2}, Shape{50, 3}, Shape{301, 10}, Shape{7, 33}, Shape{9, 128},
                         Shape{20, 1000}, Shape{3, 1024}, Shape{9, 1025}, Shape{2, 9001}})
    expect_like_cpu({x, {x[0], 1}});
}

TEST(CudaReduce, Columns) {
  for (const Shape& x :
       {Shape{2, 3}, Shape{9, 10}, Shape{256, 10}, Shape{300, 64}, Shape{701, 120}, Shape{1100, 64},
        Shape{5000, 3}, Shape{5000, 2}, Shape{30, 2051}, Shape{31, 2048}})
    expect_like_cpu({x, {1, x[1]}});
}

TEST(CudaReduce, AxesInTheMiddle) {
  for (const Shape& x : {Shape{8, 49, 64}, Shape{3, 4001, 5}, Shape{2, 300, 4}, Shape{33000, 2, 2}})
    expect_like_cpu({x, {x[0], 1, x[2]}});
}

TEST(CudaReduce, AnySetOfAxes) {
  for (const Shape& y : {Shape{1, 5, 1, 1}, Shape{7, 1, 40, 1}, Shape{1, 5, 1, 3},
                         Shape{7, 1, 1, 3}, Shape{1, 1, 40, 1}, Shape{1, 5, 40, 1}})
    expect_like_cpu({{7, 5, 40, 3}, y});
  expect_like_cpu({{2, 3, 2, 3, 2, 3, 2, 3}, {1, 3, 1, 3, 1, 3, 1, 3}});
  expect_like_cpu({{2, 3, 2, 3, 2, 3, 2, 3}, {2, 1, 2, 1, 2, 1, 2, 1}});
}

TEST(CudaReduce, SixteenBitsOnEitherSide) {
  const std::pair<DType, DType> dtypes[] = {{DType::bf16, DType::bf16}, {DType::bf16, DType::f32},
                                            {DType::f32, DType::bf16},  {DType::f16, DType::f16},
                                            {DType::f16, DType::f32},   {DType::f32, DType::f16}};
  for (auto [x, y] : dtypes)
    for (const Case& test :
         {Case{{37}, {37}}, Case{{9001}, {1}}, Case{{30, 10}, {30, 1}}, Case{{5, 1501}, {5, 1}},
          Case{{300, 10}, {1, 10}}, Case{{1100, 64}, {1, 64}}, Case{{7, 5, 40, 3}, {1, 5, 1, 3}}})
      expect_like_cpu(test, x, y);
}

TEST(CudaReduce, AnyAddress) {
  for (DType dtype : kFloats)
    for (int64_t first : {1, 2, 3, 7})
      for (const Case& test :
           {Case{{5003}, {1}}, Case{{64, 12}, {64, 1}}, Case{{64, 16}, {1, 16}}, Case{{3}, {1}}}) {
        EXPECT_TRUE(like_cpu(
            {{random_tensor({6000}, dtype)}, {unwritten(test.y)}},
            [&](Backend& on, const auto& in, const auto& out) {
              const auto size = static_cast<int64_t>(size_of(in[0].dtype));
              const ConstView x{in[0].template as<char>() + first * size, in[0].dtype, test.x};
              on.reduce(Reduction::sum, x, out[0]);
            },
            tolerance(Reduction::sum, test, DType::f32)))
            << test.x << " from " << first;
      }
}

TEST(CudaReduce, NaNAndInfinity) {
  for (const Case& test :
       {Case{{9000}, {1}}, Case{{100, 5}, {1, 5}}, Case{{5, 100}, {5, 1}}, Case{{3, 2000}, {3, 1}}})
    for (float special : {NAN, kInfinity, -kInfinity})
      for (int64_t at : {int64_t{0}, test.x.elements() / 2, test.x.elements() - 1})
        for (Reduction op : kAll) {
          Tensor x = random_tensor(test.x);
          x.data<float>()[at] = special;
          EXPECT_TRUE(
              like_cpu({{x}, {unwritten(test.y)}}, reduction(op), tolerance(op, test, DType::f32)))
              << special << " at " << at << " of " << test.x;
        }
}

TEST(CudaReduce, Empty) {
  for (const Case& test : {Case{{0, 3}, {1, 3}}, Case{{3, 0}, {3, 1}}, Case{{0}, {1}},
                           Case{{0, 3}, {0, 1}}, Case{{0, 3}, {0, 3}}, Case{{2, 0, 3}, {2, 1, 3}}})
    expect_like_cpu(test);
}

TEST(CudaReduce, LongSumsStayAccurate) {
  for (const Case& test :
       {Case{{1000000}, {1}}, Case{{300000, 3}, {1, 3}}, Case{{2, 500000}, {2, 1}}}) {
    Tensor x(host(), test.x);
    std::fill_n(x.data<float>(), x.elements(), 0.1f);
    EXPECT_TRUE(like_cpu({{x}, {unwritten(test.y)}}, reduction(Reduction::sum), {2e-6}));
  }
}

TEST(CudaReduce, GivesItsMemoryBack) {
  const size_t before = gpu().pool().stats().bytes_in_use;
  {
    const Tensor x = random_tensor({7, 50, 400, 3}).to(gpu());
    Tensor y(gpu(), {1, 50, 1, 3});
    gpu().reduce(Reduction::sum, x.view(), y.view());
  }
  EXPECT_EQ(gpu().pool().stats().bytes_in_use, before);
}

}  // namespace
}  // namespace d2l::test
