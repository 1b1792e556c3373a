#include <algorithm>
#include <cmath>

#include "tests/backend/cases/compare.h"

namespace d2l::test {
namespace {

struct PlainCrossEntropy {
  void cross_entropy(const ConstView& logits, const ConstView& labels, const View& losses,
                     const View& probabilities, const View& correct) const {
    const Doubles x = doubles(logits);
    const int64_t columns = logits.shape[1];
    Doubles to_losses, to_probabilities, to_correct;
    auto row = x.begin();
    for (int64_t label : integers(labels)) {
      const auto end = row + columns, largest = std::max_element(row, end);
      double sum = 0;
      for (auto value = row; value != end; ++value) sum += std::exp(*value - *largest);
      for (auto value = row; value != end; ++value)
        to_probabilities.push_back(std::exp(*value - *largest) / sum);
      to_losses.push_back(std::log(sum) + *largest - row[label]);
      to_correct.push_back(largest - row == label);
      row = end;
    }
    store(losses, to_losses);
    store(probabilities, to_probabilities);
    store(correct, to_correct);
  }

  void cross_entropy_backward(const ConstView& probabilities, const ConstView& labels,
                              const ConstView& grad_losses, const View& grad_logits) const {
    Doubles to = doubles(probabilities);
    const Doubles factors = doubles(grad_losses);
    const std::vector<int64_t> of_rows = integers(labels);
    const int64_t columns = probabilities.shape[1];
    for (size_t i = 0; i < of_rows.size(); ++i) {
      double* row = to.data() + static_cast<int64_t>(i) * columns;
      row[of_rows[i]] -= 1;
      for (int64_t j = 0; j < columns; ++j) row[j] *= factors[i];
    }
    store(grad_logits, to);
  }
};

const std::vector<Shape>& shapes() {
  static const std::vector<Shape> list = {{1, 1},    {3, 2},    {17, 10},  {256, 10}, {300, 10},
                                          {33, 33},  {33, 64},  {33, 65},  {9, 64},   {5, 100},
                                          {5, 1000}, {3, 1024}, {3, 1025}, {2, 5003}, {2, 50257},
                                          {9001, 7}, {0, 10}};
  return list;
}

testing::AssertionResult losses_agree(const Tensor& logits, const Tensor& labels) {
  const Shape rows{logits.shape()[0]};
  return agree<PlainCrossEntropy>(
             {{logits, labels}, {unwritten(rows), unwritten(logits.shape()), unwritten(rows)}},
             [](auto& on, const Inputs& in, const Outputs& out) {
               on.cross_entropy(in[0], in[1], out[0], out[1], out[2]);
             },
             tolerances::kCrossEntropy)
         << "; " << logits.shape();
}

TEST(CrossEntropy, LossesProbabilitiesAndAnswers) {
  for (const Shape& shape : shapes())
    for (double range : {3.0, 40.0}) {
      Tensor logits = random_tensor(shape, DType::f32, -range, range);
      const Tensor labels = random_indices({shape[0]}, 0, shape[1]);
      for (int64_t row = 0; row < shape[0]; row += 2)  // correct predictions
        logits.data<float>()[row * shape[1] + labels.data<int64_t>()[row]] =
            static_cast<float>(range) + 0.5f;
      EXPECT_TRUE(losses_agree(logits, labels));
    }
}

TEST(CrossEntropy, TheFirstOfEqualLogitsIsTheAnswer) {
  for (int64_t c : {4, 100, 1500}) {
    Tensor logits = zeros(host(), {5, c});
    for (int64_t row = 0; row < 4; ++row)
      for (int64_t i : {int64_t{1}, int64_t{2}, c - 1}) logits.data<float>()[row * c + i] = 5;
    EXPECT_TRUE(losses_agree(logits, from_vector<int64_t>(host(), {5}, {0, 1, 2, c - 1, 0})));
  }
}

TEST(CrossEntropy, HugeLogitsGiveFiniteLosses) {
  EXPECT_TRUE(losses_agree(from_vector<float>(host(), {1, 3}, {1e4f, 0, -1e4f}),
                           from_vector<int64_t>(host(), {1}, {2})));
}

TEST(CrossEntropy, HugeLogitsAndInfinities) {
  for (int64_t c : {5, 70, 2000}) {
    Tensor logits = full(host(), {5, c}, -kInfinity);
    float* rows = logits.data<float>();
    rows[0] = 1e4f;
    rows[2] = -1e4f;
    rows[c + 1] = 3e38f;
    rows[2 * c + 1] = kInfinity;
    // row 3 is all minus infinity
    std::fill_n(rows + 4 * c, c, 1.0f);
    rows[5 * c - 1] = kNaN;
    for (int64_t label : {0, 1, 2})
      EXPECT_TRUE(losses_agree(logits, from_vector<int64_t>(host(), {5}, {2, 1, label, label, 1})))
          << label;
  }
}

TEST(CrossEntropy, BackwardSubtractsTheLabel) {
  for (const Shape& shape : shapes())
    EXPECT_TRUE(agree<PlainCrossEntropy>(
        {{random_tensor(shape, DType::f32, 0, 1), random_indices({shape[0]}, 0, shape[1]),
          random_tensor({shape[0]})},
         {unwritten(shape)}},
        [](auto& on, const Inputs& in, const Outputs& out) {
          on.cross_entropy_backward(in[0], in[1], in[2], out[0]);
        },
        tolerances::kCrossEntropyGradient))
        << shape;
}

}  // namespace
}  // namespace d2l::test
