#include <algorithm>
#include <cmath>

#include "tests/backend/cases/compare.h"

namespace d2l::test {
namespace {

struct PlainSoftmax {
  void softmax(const ConstView& x, const View& y) const {
    Doubles logs = log_softmax_of(x);
    for (double& value : logs) value = std::exp(value);
    store(y, logs);
  }
  void log_softmax(const ConstView& x, const View& y) const { store(y, log_softmax_of(x)); }

  void softmax_backward(const ConstView& y, const ConstView& grad_y, const View& grad_x) const {
    const Doubles p = doubles(y), grad = doubles(grad_y);
    Doubles to(p.size());
    for_rows(y.shape, [&](size_t begin, size_t end) {
      double dot = 0;
      for (size_t i = begin; i < end; ++i) dot += p[i] * grad[i];
      for (size_t i = begin; i < end; ++i) to[i] = p[i] * (grad[i] - dot);
    });
    store(grad_x, to);
  }

  void log_softmax_backward(const ConstView& y, const ConstView& grad_y, const View& grad_x) const {
    const Doubles logs = doubles(y), grad = doubles(grad_y);
    Doubles to(logs.size());
    for_rows(y.shape, [&](size_t begin, size_t end) {
      double sum = 0;
      for (size_t i = begin; i < end; ++i) sum += grad[i];
      for (size_t i = begin; i < end; ++i) to[i] = grad[i] - std::exp(logs[i]) * sum;
    });
    store(grad_x, to);
  }

 private:
  template <class Body>
  static void for_rows(const Shape& shape, const Body& body) {
    const auto count = static_cast<size_t>(shape.elements());
    const size_t columns = shape.rank() == 0 ? 1 : static_cast<size_t>(shape.size(-1));
    for (size_t begin = 0; begin < count; begin += columns) body(begin, begin + columns);
  }

  static Doubles log_softmax_of(const ConstView& view) {
    const Doubles x = doubles(view);
    Doubles y(x.size());
    for_rows(view.shape, [&](size_t begin, size_t end) {
      double max = -kInfinity, sum = 0;
      for (size_t i = begin; i < end; ++i) max = std::max(max, x[i]);
      for (size_t i = begin; i < end; ++i) sum += std::exp(x[i] - max);
      for (size_t i = begin; i < end; ++i) y[i] = x[i] - max - std::log(sum);
    });
    return y;
  }
};

const std::vector<Shape>& shapes() {
  static const std::vector<Shape> list = {
      {},        {1, 1},    {3, 2},    {17, 10},  {256, 10}, {300, 10},  {9, 32},
      {33, 33},  {9, 64},   {33, 64},  {7, 65},   {33, 65},  {5, 200},   {3, 400},
      {5, 1000}, {2, 1024}, {2, 1025}, {3, 2048}, {2, 5003}, {2, 50257}, {9001, 7},
      {2, 3, 5}, {6, 5},    {4, 1, 1}, {0, 5},    {2049, 1}, {11},       {2, 2, 2, 30}};
  return list;
}

void expect_softmax(const Tensor& x) {
  EXPECT_TRUE(agree<PlainSoftmax>(
      {{x}, {unwritten(x.shape())}},
      [](auto& on, const Inputs& in, const Outputs& out) { on.softmax(in[0], out[0]); },
      tolerances::kSoftmax))
      << x.shape();
  EXPECT_TRUE(agree<PlainSoftmax>(
      {{x}, {unwritten(x.shape())}},
      [](auto& on, const Inputs& in, const Outputs& out) { on.log_softmax(in[0], out[0]); },
      tolerances::kLogSoftmax))
      << x.shape() << ", logarithms";
}

TEST(Softmax, OfTheLastAxis) {
  for (const Shape& shape : shapes())
    for (double range : {2.0, 30.0, 60.0})
      expect_softmax(random_tensor(shape, DType::f32, -range, range));
}

TEST(Softmax, HugeLogitsAndMaskedEntries) {
  for (int64_t c : {3, 5, 40, 65, 100, 200, 1500, 4000}) {
    Tensor x = full(host(), {6, c}, -kInfinity);
    float* rows = x.data<float>();
    if (c > 3) rows[1] = rows[3] = 1e30f;
    rows[c] = -1e30f;
    rows[c + 1] = -3e38f;
    // row 2 is all minus infinity
    std::fill_n(rows + 3 * c, c, 1.0f);
    std::fill_n(rows + 4 * c, c, 2.0f);
    std::fill_n(rows + 5 * c, c, -2.0f);
    rows[4 * c + 2] = kInfinity;
    rows[6 * c - 1] = kNaN;
    expect_softmax(x);
  }
}

TEST(Softmax, LargestNumberAnywhere) {
  for (int64_t c : {10, 100, 3000})
    for (int64_t at = 0; at < c; at += 1 + c / 17) {
      Tensor x = random_tensor({2, c});
      x.data<float>()[at] = 50;
      expect_softmax(x);
    }
}

void expect_backward(const Tensor& probabilities, const Tensor& logs, const Tensor& grad_y) {
  const Shape& shape = grad_y.shape();
  const double columns = shape.rank() > 0 ? static_cast<double>(shape.size(-1)) : 1;
  const double size = std::sqrt(std::max(1.0, columns));
  EXPECT_TRUE(agree<PlainSoftmax>(
      {{probabilities, grad_y}, {unwritten(shape)}},
      [](auto& on, const Inputs& in, const Outputs& out) {
        on.softmax_backward(in[0], in[1], out[0]);
      },
      tolerances::kSoftmaxGradient.scaled(size)))
      << shape;
  EXPECT_TRUE(agree<PlainSoftmax>(
      {{logs, grad_y}, {unwritten(shape)}},
      [](auto& on, const Inputs& in, const Outputs& out) {
        on.log_softmax_backward(in[0], in[1], out[0]);
      },
      tolerances::kLogSoftmaxGradient.scaled(size)))
      << shape << ", logarithms";
}

TEST(Softmax, BackwardMatchesTheJacobian) {
  for (const Shape& shape : shapes()) {
    expect_backward(random_tensor(shape, DType::f32, 0, 0.1),
                    random_tensor(shape, DType::f32, -9, 0), random_tensor(shape));
    Tensor p = unwritten(shape), logs = unwritten(shape);
    const Tensor x = random_tensor(shape, DType::f32, -3, 3);
    PlainSoftmax().softmax(x.view(), p.view());
    PlainSoftmax().log_softmax(x.view(), logs.view());
    expect_backward(p, logs, random_tensor(shape, DType::f32, -1, 1));
  }
}

TEST(Softmax, LogBackwardOfAMaskedEntryPassesTheGradientOn) {
  for (int64_t c : {2, 70, 1200}) {
    Tensor y = random_tensor({3, c}, DType::f32, -5, 0);
    for (int64_t i = 0; i < 3 * c; i += 3) y.data<float>()[i] = -kInfinity;
    expect_backward(random_tensor({3, c}, DType::f32, 0, 0.1), y, random_tensor({3, c}));
  }
}

}  // namespace
}  // namespace d2l::test
