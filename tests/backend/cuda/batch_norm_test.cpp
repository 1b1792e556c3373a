#include "tests/backend/cuda/batch_norm_cases.h"

namespace d2l::test {
namespace {

void expect_statistics(const Tensor& x, const Tolerance& tolerance = {2e-6, 1e-6}) {
  const Shape channels{x.size(-1)};
  EXPECT_TRUE(like_cpu(
      {{x}, {unwritten(channels), unwritten(channels)}},
      [](Backend& on, const auto& in, const auto& out) {
        on.batch_norm_statistics(in[0], {out[0], out[1]}, {});
      },
      tolerance))
      << x.shape() << " " << to_string(x.dtype());
  EXPECT_TRUE(like_cpu(
      {{x},
       {unwritten(channels), unwritten(channels), random_tensor(channels),
        random_tensor(channels, DType::f32, 0, 9)}},
      [](Backend& on, const auto& in, const auto& out) {
        on.batch_norm_statistics(in[0], {out[0], out[1]}, {out[2], out[3], 0.3});
      },
      tolerance))
      << x.shape() << " " << to_string(x.dtype()) << ", running";
}

TEST(CudaBatchNorm, Statistics) {
  for (const Shape& shape : kNormShapes)
    for (DType dtype : kFloats) expect_statistics(random_tensor(shape, dtype));
}

TEST(CudaBatchNorm, StatisticsFarFromZero) {
  for (const Shape& shape : kNormShapes)
    expect_statistics(random_tensor(shape, DType::f32, 999, 1001));
}

TEST(CudaBatchNorm, StatisticsWithAnOddFirstRow) {
  for (int64_t channels : {3, 16}) {
    Tensor x = random_tensor({1000, channels});
    for (int64_t c = 0; c < channels; ++c) x.data<float>()[c] = 3e4f;
    expect_statistics(x, {2e-6, 2e-3});  // values lose 1e-3 beside 3e4
  }
}

TEST(CudaBatchNorm, StatisticsOfNothingAreZero) { expect_statistics(random_tensor({0, 6})); }

TEST(CudaBatchNorm, ConstantsVaryByNothing) {
  Tensor x = random_tensor({100, 8});
  for (int64_t i = 0; i < x.elements(); ++i) x.data<float>()[i] = 0.1f;
  const Shape channels{8};
  EXPECT_TRUE(like_cpu({{x}, {unwritten(channels), unwritten(channels)}},
                       [](Backend& on, const auto& in, const auto& out) {
                         on.batch_norm_statistics(in[0], {out[0], out[1]}, {});
                       }));
}

TEST(CudaBatchNorm, Apply) {
  for (const Shape& shape : kNormShapes)
    for (DType dtype : kFloats)
      for (bool with_residual : {false, true})
        for (Activation activation : {Activation::none, Activation::relu}) {
          const Shape channels{shape.size(-1)};
          const BatchNormParams params{.epsilon = 1e-3, .activation = activation};
          EXPECT_TRUE(like_cpu(
              {{random_tensor(shape, dtype), random_tensor(channels), random_tensor(channels),
                random_tensor(channels), random_tensor(channels, DType::f32, 0.1, 3),
                random_tensor(shape, dtype)},
               {unwritten(shape, dtype)}},
              [&](Backend& on, const auto& in, const auto& out) {
                const auto given = [&](size_t i) {  // statistics are views that may be written
                  return View{const_cast<void*>(in[i].data), in[i].dtype, in[i].shape};
                };
                on.batch_norm_apply(params,
                                    {in[0], in[1], in[2], with_residual ? in[5] : ConstView{}},
                                    {given(3), given(4)}, out[0], {});
              },
              dtype == DType::f32 ? Tolerance{1e-6, 2e-6} : Tolerance{1.0 / 128, 1e-5}))
              << shape << " " << to_string(dtype) << (with_residual ? " with a residual" : "");
        }
}

TEST(CudaBatchNorm, ApplyWithOtherActivations) {
  for (Activation activation : {Activation::sigmoid, Activation::tanh})
    for (const Shape& shape : {Shape{85, 120}, Shape{5, 9, 9, 6}})
      for (DType dtype : kFloats) {
        const Shape channels{shape.size(-1)};
        const BatchNormParams params{.epsilon = 1e-5, .activation = activation};
        EXPECT_TRUE(like_cpu(
            {{random_tensor(shape, dtype), random_tensor(channels), random_tensor(channels),
              random_tensor(shape, dtype)},
             {unwritten(shape, dtype), unwritten(channels), unwritten(channels)}},
            [&](Backend& on, const auto& in, const auto& out) {
              on.batch_norm_statistics(in[0], {out[1], out[2]}, {});
              on.batch_norm_apply(params, {in[0], in[1], in[2], in[3]}, {out[1], out[2]}, out[0],
                                  {});
            },
            dtype == DType::f32 ? Tolerance{5e-6, 5e-6} : Tolerance{1.0 / 64, 0.01}))
            << shape << " " << to_string(dtype);
      }
}

TEST(CudaBatchNorm, AddressesNeedNotBeAligned) {
  const Shape shape{6, 7, 16}, channels{16}, flat{1 + shape.elements()}, narrow{17};
  const auto shifted = [](const auto& view, const Shape& to) {
    return View{static_cast<std::byte*>(const_cast<void*>(view.data)) + size_of(view.dtype),
                view.dtype, to};
  };
  for (DType dtype : kFloats)
    EXPECT_TRUE(like_cpu(
        {{random_tensor(flat, dtype), random_tensor(narrow), random_tensor(narrow)},
         {unwritten(flat, dtype), unwritten(narrow), unwritten(narrow)}},
        [&](Backend& on, const auto& in, const auto& out) {
          const View x = shifted(in[0], shape);
          const Backend::NormStatistics statistics{shifted(out[1], channels),
                                                   shifted(out[2], channels)};
          on.batch_norm_statistics(x, statistics, {});
          on.batch_norm_apply({.activation = Activation::relu},
                              {x, shifted(in[1], channels), shifted(in[2], channels), x},
                              statistics, shifted(out[0], shape), {});
        },
        dtype == DType::f32 ? Tolerance{2e-6, 2e-6} : Tolerance{1.0 / 128, 1e-5}));
}

}  // namespace
}  // namespace d2l::test
