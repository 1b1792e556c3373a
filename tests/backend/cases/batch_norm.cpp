#include "tests/backend/cases/batch_norm.h"

namespace d2l::test {
namespace {

void expect_statistics(const Tensor& x, const Tolerances& tolerances = tolerances::kStatistics) {
  const Shape channels{x.size(-1)};
  EXPECT_TRUE(agree<PlainBatchNorm>(
      {{x}, {unwritten(channels), unwritten(channels)}},
      [](auto& on, const Inputs& in, const Outputs& out) {
        on.batch_norm_statistics(in[0], Backend::NormStatistics{out[0], out[1]}, {});
      },
      tolerances))
      << x.shape() << " " << to_string(x.dtype());
  EXPECT_TRUE(agree<PlainBatchNorm>(
      {{x},
       {unwritten(channels), unwritten(channels), random_tensor(channels),
        random_tensor(channels, DType::f32, 0, 9)}},
      [](auto& on, const Inputs& in, const Outputs& out) {
        on.batch_norm_statistics(in[0], Backend::NormStatistics{out[0], out[1]},
                                 Backend::NormRunning{out[2], out[3], 0.3});
      },
      tolerances))
      << x.shape() << " " << to_string(x.dtype()) << ", running";
}

TEST(BatchNorm, Statistics) {
  for (const Shape& shape : kNormShapes)
    for (DType dtype : floats()) expect_statistics(random_tensor(shape, dtype));
}

// Naive formulas for the variance lose precision here.
TEST(BatchNorm, StatisticsFarFromZero) {
  for (const Shape& shape : kNormShapes)
    for (double middle : {20.0, 1000.0})
      expect_statistics(random_tensor(shape, DType::f32, middle - 1, middle + 1));
}

TEST(BatchNorm, StatisticsWithAnOddFirstRow) {
  for (int64_t channels : {3, 16}) {
    Tensor x = random_tensor({1000, channels});
    for (int64_t c = 0; c < channels; ++c) x.data<float>()[c] = 3e4f;
    expect_statistics(x, tolerances::kOddStatistics);
  }
}

TEST(BatchNorm, StatisticsOfNothingAreZero) { expect_statistics(random_tensor({0, 6})); }

TEST(BatchNorm, ConstantsVaryByNothing) {
  const Shape channels{8};
  EXPECT_TRUE(agree<PlainBatchNorm>(
      {{full(host(), {100, 8}, 0.1)}, {unwritten(channels), unwritten(channels)}},
      [](auto& on, const Inputs& in, const Outputs& out) {
        on.batch_norm_statistics(in[0], Backend::NormStatistics{out[0], out[1]}, {});
      },
      tolerances::kConstants));
}

TEST(BatchNorm, Apply) {
  for (const Shape& shape : kNormShapes)
    for (DType dtype : floats())
      for (bool with_residual : {false, true})
        for (Activation activation : {Activation::none, Activation::relu}) {
          const Shape channels{shape.size(-1)};
          const BatchNormParams params{.epsilon = 1e-3, .activation = activation};
          EXPECT_TRUE(agree<PlainBatchNorm>(
              {{random_tensor(shape, dtype), random_tensor(channels), random_tensor(channels),
                random_tensor(channels), random_tensor(channels, DType::f32, 0.1, 3),
                random_tensor(shape, dtype)},
               {unwritten(shape, dtype)}},
              [&](auto& on, const Inputs& in, const Outputs& out) {
                on.batch_norm_apply(
                    params,
                    Backend::NormOperands{in[0], in[1], in[2], with_residual ? in[5] : ConstView{}},
                    Backend::NormStatistics{writable(in[3]), writable(in[4])}, out[0], {});
              },
              tolerances::kNormalized))
              << shape << " " << to_string(dtype) << (with_residual ? " with a residual" : "");
        }
}

// Statistics and normalised values, also far from zero.
TEST(BatchNorm, NormalizesWithTheBatchsStatistics) {
  for (Activation activation :
       {Activation::none, Activation::relu, Activation::sigmoid, Activation::tanh})
    for (bool with_residual : {false, true})
      for (const Shape& shape :
           {Shape{85, 120}, Shape{5, 9, 9, 6}, Shape{3, 3}, Shape{2, 9, 9, 64}})
        for (DType dtype : floats()) {
          const Shape channels{shape.size(-1)};
          const double middle = dtype == DType::f32 ? 20 : 0;
          const BatchNormParams params{.epsilon = 1e-3, .activation = activation};
          EXPECT_TRUE(agree<PlainBatchNorm>(
              {{random_tensor(shape, dtype, middle - 2, middle + 2), random_tensor(channels),
                random_tensor(channels), random_tensor(shape, dtype)},
               {unwritten(shape, dtype), unwritten(channels), unwritten(channels)}},
              [&](auto& on, const Inputs& in, const Outputs& out) {
                const Backend::NormStatistics statistics{out[1], out[2]};
                on.batch_norm_statistics(in[0], statistics, {});
                on.batch_norm_apply(
                    params,
                    Backend::NormOperands{in[0], in[1], in[2], with_residual ? in[3] : ConstView{}},
                    statistics, out[0], {});
              },
              tolerances::kNormalizedFarFromZero))
              << shape << " " << to_string(dtype);
        }
}

TEST(BatchNorm, AddressesNeedNotBeAligned) {
  const Shape shape{6, 7, 16}, channels{16}, flat{1 + shape.elements()}, narrow{17};
  for (DType dtype : floats())
    EXPECT_TRUE(agree<PlainBatchNorm>(
        {{random_tensor(flat, dtype), random_tensor(narrow), random_tensor(narrow)},
         {unwritten(flat, dtype), unwritten(narrow), unwritten(narrow)}},
        [&](auto& on, const Inputs& in, const Outputs& out) {
          const ConstView x = part(in[0], 1, shape);
          const Backend::NormStatistics statistics{part(out[1], 1, channels),
                                                   part(out[2], 1, channels)};
          on.batch_norm_statistics(x, statistics, {});
          on.batch_norm_apply(
              BatchNormParams{.activation = Activation::relu},
              Backend::NormOperands{x, part(in[1], 1, channels), part(in[2], 1, channels), x},
              statistics, part(out[0], 1, shape), {});
        },
        tolerances::kNormalizedFarFromZero));
}

}  // namespace
}  // namespace d2l::test
