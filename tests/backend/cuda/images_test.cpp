#include "tests/backend/cuda/compare.h"

namespace d2l::test {
namespace {

// All comparisons are exact: windows are functions of whole numbers, values two divisions.

Tensor bytes(const Shape& shape) { return random_indices(shape, 0, 256).cast(DType::u8); }

Backend::ImageOperands operands(const std::vector<ConstView>& in, bool normalised) {
  Backend::ImageOperands all{.x = in[0], .samples = in[1], .mean = {}, .deviation = {}};
  if (normalised) all.mean = in[2], all.deviation = in[3];
  return all;
}

struct Draw {
  int64_t padding;
  double flip;
};

TEST(CudaImages, AreTheCpus) {
  for (DType dtype : {DType::f32, DType::bf16})
    for (const Shape& shape : {Shape{3, 5, 7, 3},
                               {2, 28, 28, 1},
                               {5, 8, 8, 4},
                               {9, 1, 1, 1},
                               {1, 3, 2, 11},
                               {0, 4, 4, 3}})
      for (const auto& [padding, flip] : {Draw{0, 0}, {0, 0.5}, {2, 0}, {3, 1}, {9, 0.5}})
        for (bool normalised : {false, true}) {
          const ImageParams params{.padding = padding, .flip = flip, .key = {11, 1ull << 40}};
          const int64_t channels = shape[3];
          EXPECT_TRUE(
              like_cpu({{bytes(shape), random_indices({shape[0]}, 0, 1000000),
                         random_tensor({channels}), random_tensor({channels}, DType::f32, 0.1, 1)},
                        {unwritten(shape, dtype)}},
                       [&, with = normalised](Backend& on, const auto& in, const auto& out) {
                         on.prepare_images(params, operands(in, with), out[0]);
                       }))
              << shape.to_string() << " " << padding << " " << flip << " " << normalised;
        }
}

TEST(CudaImages, Unaligned) {
  for (DType dtype : {DType::f32, DType::bf16})
    for (int64_t at : {0, 1, 4})
      for (bool normalised : {false, true})
        EXPECT_TRUE(like_cpu({{bytes({700}), random_indices({4}, 0, 99), random_tensor({3}),
                               random_tensor({3}, DType::f32, 0.1, 1)},
                              {unwritten({700}, dtype)}},
                             [&, with = normalised](Backend& on, const auto& in, const auto& out) {
                               const Shape shape{4, 6, 7, 3};
                               Backend::ImageOperands all = operands(in, with);
                               all.x = {all.x.template as<uint8_t>() + at, DType::u8, shape};
                               char* data = out[0].template as<char>();
                               on.prepare_images({}, all,
                                                 {data + at * static_cast<int64_t>(size_of(dtype)),
                                                  dtype, shape});
                             }))
            << at << " " << normalised;
}

}  // namespace
}  // namespace d2l::test
