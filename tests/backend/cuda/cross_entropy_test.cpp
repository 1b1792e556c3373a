#include <cmath>
#include <limits>

#include "tests/backend/cuda/compare.h"

namespace d2l::test {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

const std::vector<Shape>& shapes() {
  static const std::vector<Shape> list = {{1, 1},    {3, 2},    {17, 10},  {300, 10}, {33, 33},
                                          {9, 64},   {5, 100},  {5, 1000}, {3, 1024}, {3, 1025},
                                          {2, 5003}, {9001, 7}, {0, 10}};
  return list;
}

// losses, probabilities, correct
testing::AssertionResult same_losses(const Tensor& logits, const Tensor& labels) {
  const Shape rows{logits.shape()[0]};
  return like_cpu({{logits, labels}, {unwritten(rows), unwritten(logits.shape()), unwritten(rows)}},
                  [](Backend& on, const auto& in, const auto& out) {
                    on.cross_entropy(in[0], in[1], out[0], out[1], out[2]);
                  },
                  {2e-6, 1e-6});
}

TEST(CudaCrossEntropy, Rows) {
  for (const Shape& shape : shapes())
    for (double range : {3.0, 40.0}) {
      Tensor logits = random_tensor(shape, DType::f32, -range, range);
      const Tensor labels = random_indices({shape[0]}, 0, shape[1]);
      for (int64_t row = 0; row < shape[0]; row += 2)  // correct ones
        logits.data<float>()[row * shape[1] + labels.data<int64_t>()[row]] =
            static_cast<float>(range) + 0.5f;
      EXPECT_TRUE(same_losses(logits, labels)) << shape;
    }
}

TEST(CudaCrossEntropy, TheFirstOfEqualLogitsIsTheAnswer) {
  for (int64_t c : {4, 100, 1500}) {
    Tensor logits(host(), {5, c});
    std::fill_n(logits.data<float>(), 5 * c, 0.0f);
    for (int64_t row = 0; row < 4; ++row)
      for (int64_t i : {int64_t{1}, int64_t{2}, c - 1}) logits.data<float>()[row * c + i] = 5;
    const Tensor labels = from_vector<int64_t>(host(), {5}, {0, 1, 2, c - 1, 0});
    EXPECT_TRUE(same_losses(logits, labels)) << c;
  }
}

TEST(CudaCrossEntropy, HugeLogitsAndInfinities) {
  for (int64_t c : {5, 70, 2000}) {
    Tensor logits(host(), {5, c});
    float* rows = logits.data<float>();
    std::fill_n(rows, 5 * c, -kInfinity);
    rows[0] = 1e4f;
    rows[2] = -1e4f;
    rows[c + 1] = 3e38f;
    rows[2 * c + 1] = kInfinity;
    // row 3 has nothing but minus infinity
    std::fill_n(rows + 4 * c, c, 1.0f);
    rows[5 * c - 1] = NAN;
    for (int64_t label : {0, 1, 2})
      EXPECT_TRUE(same_losses(logits, from_vector<int64_t>(host(), {5}, {2, 1, label, label, 1})))
          << c << " " << label;
  }
}

TEST(CudaCrossEntropy, Backward) {
  for (const Shape& shape : shapes()) {
    const Tensor labels = random_indices({shape[0]}, 0, shape[1]);
    EXPECT_TRUE(
        like_cpu({{random_tensor(shape, DType::f32, 0, 1), labels, random_tensor({shape[0]})},
                  {unwritten(shape)}},
                 [](Backend& on, const auto& in, const auto& out) {
                   on.cross_entropy_backward(in[0], in[1], in[2], out[0]);
                 }))
        << shape;
  }
}

}  // namespace
}  // namespace d2l::test
