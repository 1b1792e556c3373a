#include <cmath>

#include "tests/backend/cases/compare.h"

namespace d2l::test {
namespace {

struct PlainLayerNorm {
  void layer_norm(const LayerNormParams& params, const Backend::NormOperands& in, const View& y,
                  const Backend::NormStatistics& of_rows) const {
    const Doubles x = doubles(in.x), gamma = doubles(in.gamma), beta = doubles(in.beta);
    const size_t columns = gamma.size();
    Doubles means, variances, to;
    for (size_t row = 0; row < x.size(); row += columns) {
      double mean = 0, variance = 0;
      const auto count = static_cast<double>(columns);
      for (size_t i = 0; i < columns; ++i) mean += x[row + i] / count;
      for (size_t i = 0; i < columns; ++i) variance += std::pow(x[row + i] - mean, 2) / count;
      for (size_t i = 0; i < columns; ++i)
        to.push_back((x[row + i] - mean) / std::sqrt(variance + params.epsilon) * gamma[i] +
                     beta[i]);
      means.push_back(mean);
      variances.push_back(variance);
    }
    store(y, to);
    store(of_rows.mean, means);
    store(of_rows.variance, variances);
  }

  void layer_norm_backward(const LayerNormParams& params, const Backend::NormOperands& in,
                           const Backend::NormStatistics& of_rows, const ConstView& grad_y,
                           const Backend::NormGradients& gradients) const {
    const Doubles x = doubles(in.x), gamma = doubles(in.gamma), grad = doubles(grad_y);
    const Doubles mean = doubles(of_rows.mean), variance = doubles(of_rows.variance);
    const size_t columns = gamma.size();
    Doubles to_x(x.size()), to_gamma(columns), to_beta(columns);
    for (size_t row = 0; row < mean.size(); ++row) {
      const double deviation = std::sqrt(variance[row] + params.epsilon);
      const auto normal = [&](size_t i) { return (x[row * columns + i] - mean[row]) / deviation; };
      double plain = 0, slope = 0;
      for (size_t i = 0; i < columns; ++i) {
        const double g = grad[row * columns + i];
        to_gamma[i] += g * normal(i);
        to_beta[i] += g;
        plain += g * gamma[i] / static_cast<double>(columns);
        slope += g * gamma[i] * normal(i) / static_cast<double>(columns);
      }
      for (size_t i = 0; i < columns; ++i)
        to_x[row * columns + i] =
            (grad[row * columns + i] * gamma[i] - plain - normal(i) * slope) / deviation;
    }
    store(gradients.x, to_x);
    store(gradients.gamma, to_gamma);
    store(gradients.beta, to_beta);
  }
};

struct ComposedLayerNorm {
  Backend& on;

  void layer_norm(const LayerNormParams& params, const Backend::NormOperands& in, const View& y,
                  const Backend::NormStatistics& of_rows) {
    on.Backend::do_layer_norm(params, in, y, of_rows);
  }
  void layer_norm_backward(const LayerNormParams& params, const Backend::NormOperands& in,
                           const Backend::NormStatistics& of_rows, const ConstView& grad_y,
                           const Backend::NormGradients& gradients) {
    on.Backend::do_layer_norm_backward(params, in, of_rows, grad_y, gradients);
  }
};

constexpr LayerNormParams kParams{1e-3};

struct LayerNormCase {
  Shape shape;
  DType dtype = DType::f32;
  int64_t first = 0;  // first element of the activations and parameters in memory

  Shape columns() const { return {shape.size(-1)}; }
  Shape rows() const { return shape.without_axis(-1); }
  Tensor activations(double low, double high) const {
    return random_tensor({shape.elements() + first}, dtype, low, high);
  }
  Tensor parameters() const { return random_tensor({columns()[0] + first}, DType::f32, 0.5, 2); }
  Tensor result() const { return unwritten({shape.elements() + first}, dtype); }
  Backend::NormOperands operands(const Inputs& in) const {
    return {part(in[0], first, shape),
            part(in[1], first, columns()),
            part(in[2], first, columns()),
            {}};
  }
};

// far from 0, where naive formulas for the variance lose precision
Arguments forward_arguments(const LayerNormCase& c, double low = 18, double high = 22) {
  return {{c.activations(low, high), c.parameters(), c.parameters()},
          {c.result(), unwritten(c.rows()), unwritten(c.rows())}};
}

auto forward_call(const LayerNormCase& c) {
  return [&c](auto& on, const Inputs& in, const Outputs& out) {
    on.layer_norm(kParams, c.operands(in), part(out[0], c.first, c.shape),
                  Backend::NormStatistics{out[1], out[2]});
  };
}

Arguments backward_arguments(const LayerNormCase& c) {
  return {{c.activations(-2, 2), c.parameters(), c.parameters(), c.activations(-1, 1)},
          {c.result(), unwritten(c.columns()), unwritten(c.columns()),
           random_tensor(c.rows(), DType::f32, -0.2, 0.2),
           random_tensor(c.rows(), DType::f32, 0.5, 2)}};
}

auto backward_call(const LayerNormCase& c) {
  return [&c](auto& on, const Inputs& in, const Outputs& out) {
    on.layer_norm_backward(
        kParams, c.operands(in), Backend::NormStatistics{out[3], out[4]},
        part(in[3], c.first, c.shape),
        Backend::NormGradients{part(out[0], c.first, c.shape), out[1], out[2], {}});
  };
}

Tolerances gradient_tolerances(const LayerNormCase& c) {
  const auto rows = static_cast<double>(c.rows().elements());
  return tolerances::kLayerNormGradient.scaled(std::sqrt(std::max(1.0, rows)));
}

void expect_both(const LayerNormCase& c) {
  EXPECT_TRUE(agree<PlainLayerNorm>(forward_arguments(c), forward_call(c), tolerances::kLayerNorm))
      << c.shape << " " << to_string(c.dtype);
  EXPECT_TRUE(
      agree<PlainLayerNorm>(backward_arguments(c), backward_call(c), gradient_tolerances(c)))
      << "gradient, " << c.shape << " " << to_string(c.dtype);
}

TEST(LayerNorm, RowsOfGroups) {
  for (DType dtype : floats())
    for (const Shape& shape :
         {Shape{1},        Shape{3},       Shape{1, 1},      Shape{3, 1},    Shape{5, 2},
          Shape{300, 8},   Shape{7, 10},   Shape{3000, 24},  Shape{70, 32},  Shape{2, 35, 33},
          Shape{4, 7, 64}, Shape{9, 65},   Shape{2, 3, 200}, Shape{9, 256},  Shape{9, 260},
          Shape{9, 257},   Shape{17, 512}, Shape{2, 3, 768}, Shape{9, 1024}, Shape{5, 1001},
          Shape{1500, 16}})
      expect_both({shape, dtype});
}

TEST(LayerNorm, RowsOfBlocks) {
  for (DType dtype : floats())
    for (const Shape& shape : {Shape{3, 1032}, Shape{6, 2048}, Shape{2, 1501}, Shape{3, 4096},
                               Shape{5, 3001}, Shape{2, 8192}, Shape{2, 8191}})
      expect_both({shape, dtype});
}

TEST(LayerNorm, LongRows) {
  for (DType dtype : floats())
    for (const Shape& shape : {Shape{3, 8193}, Shape{40, 9000}}) expect_both({shape, dtype});
}

TEST(LayerNorm, AnyAddress) {
  for (DType dtype : floats())
    for (int64_t first : {1, 4, 8})
      for (const Shape& shape : {Shape{30, 32}, Shape{5, 768}, Shape{3, 1536}})
        expect_both({shape, dtype, first});
}

TEST(LayerNorm, ManyRowsPerBlock) {
  expect_both({{40000, 4}});
  expect_both({{2500, 520}});
}

TEST(LayerNorm, IsItsComposition) {
  for (const Shape& shape : {Shape{1, 1}, Shape{3}, Shape{5, 2}, Shape{4, 7, 64}, Shape{9, 65},
                             Shape{2, 3, 200}, Shape{3000, 24}}) {
    const LayerNormCase c{shape};
    EXPECT_TRUE((composition_agrees<PlainLayerNorm, ComposedLayerNorm>(
        forward_arguments(c), forward_call(c), tolerances::kLayerNorm)))
        << shape;
    EXPECT_TRUE((composition_agrees<PlainLayerNorm, ComposedLayerNorm>(
        backward_arguments(c), backward_call(c), gradient_tolerances(c))))
        << "gradient, " << shape;
  }
}

TEST(LayerNorm, EqualElementsHaveNoVariance) {
  const LayerNormCase c{{5, 64}};
  EXPECT_TRUE(agree<PlainLayerNorm>(forward_arguments(c, 3, std::nextafter(3.0, 4.0)),
                                    forward_call(c), tolerances::kLayerNorm));
}

TEST(LayerNorm, NoRowsHaveNoGradient) {
  expect_both({{0, 5}});
  expect_both({{0, 2}});
}

}  // namespace
}  // namespace d2l::test
