#include "framework/nn/attention.h"

#include <gmock/gmock.h>

#include <cmath>

#include "framework/autograd/elementwise.h"
#include "framework/nn/embedding.h"
#include "framework/nn/parameter_set.h"
#include "framework/tensor/arrange.h"
#include "framework/tensor/elementwise.h"
#include "tests/support/gradcheck.h"

namespace d2l::nn {
namespace {

using test::close;
using test::device;
using test::message_of;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

Tensor random(const Shape& shape, uint64_t stream, double low = -1, double high = 1) {
  return uniform(device(), shape, {.seed = 7, .stream = stream}, low, high);
}

Tensor forward(Module& module, const Tensor& x) { return module.forward(Variable(x), {}).value(); }

std::vector<std::string> names_of(const ParameterSet& set) {
  std::vector<std::string> names;
  for (const auto& slot : set.slots()) names.insert(names.begin(), slot.name);
  return names;
}

// Equal keys, values 0 .. 39 twice, 2 and 6 of 10 valid (chapter 10.3).
struct TheBooks {
  Variable keys{ones(device(), {2, 10, 2})};
  Variable values{broadcast_to(arange(device(), 40).reshape({1, 10, 4}), {2, 10, 4})};
  Tensor lengths = from_vector<int64_t>(device(), {2}, {2, 6});
  std::vector<float> expected{2, 3, 4, 5, 10, 11, 12, 13};
};

TEST(AdditiveAttention, TheBooksExample) {
  AdditiveAttention layer(20, 2, 8);
  ParameterSet set(layer, device(), 1);
  EXPECT_THAT(names_of(set), ElementsAre("query.weight", "key.weight", "score.weight"));
  EXPECT_EQ(set.count(), 8 * 20 + 8 * 2 + 8);
  TheBooks book;
  Variable queries(normal(device(), {2, 1, 20}, {.seed = 3}));
  Variable y = layer.forward(queries, book.keys, book.values, book.lengths);
  EXPECT_EQ(y.shape(), (Shape{2, 1, 4}));
  EXPECT_TRUE(close(y.value(), book.expected));
}

TEST(DotProductAttention, TheBooksExample) {
  DotProductAttention layer;
  TheBooks book;
  Variable queries(normal(device(), {2, 1, 2}, {.seed = 3}));
  Variable y = layer.forward(queries, book.keys, book.values, book.lengths);
  EXPECT_EQ(y.shape(), (Shape{2, 1, 4}));
  EXPECT_TRUE(close(y.value(), book.expected));
}

// Softmax of scores with plain loops in double precision.
std::vector<double> softmax_of(const std::vector<double>& scores) {
  std::vector<double> p;
  double sum = 0;
  for (double score : scores) sum += std::exp(score);
  for (double score : scores) p.push_back(std::exp(score) / sum);
  return p;
}

TEST(AdditiveAttention, IsItsFormula) {
  AdditiveAttention layer(3, 2, 4);
  ParameterSet set(layer, device(), 5);
  const Tensor queries = random({2, 3, 3}, 1), keys = random({2, 5, 2}, 2);
  const Tensor values = random({2, 5, 6}, 3);
  const auto weight = [&](size_t child) {
    return layer.children()[child]
        .module->parameters()[0]
        .second->variable.value()
        .to_vector<float>();
  };
  const std::vector<float> wq = weight(0), wk = weight(1), w = weight(2);
  const std::vector<float> q = queries.to_vector<float>(), k = keys.to_vector<float>(),
                           v = values.to_vector<float>();
  std::vector<float> expected;
  for (int64_t b = 0; b < 2; ++b)
    for (int64_t i = 0; i < 3; ++i) {
      std::vector<double> scores;
      for (int64_t j = 0; j < 5; ++j) {
        double score = 0;
        for (int64_t h = 0; h < 4; ++h) {
          double sum = 0;
          for (int64_t n = 0; n < 3; ++n)
            sum += static_cast<double>(wq[h * 3 + n] * q[(b * 3 + i) * 3 + n]);
          for (int64_t n = 0; n < 2; ++n)
            sum += static_cast<double>(wk[h * 2 + n] * k[(b * 5 + j) * 2 + n]);
          score += static_cast<double>(w[h]) * std::tanh(sum);
        }
        scores.push_back(score);
      }
      const std::vector<double> p = softmax_of(scores);
      for (int64_t e = 0; e < 6; ++e) {
        double sum = 0;
        for (int64_t j = 0; j < 5; ++j)
          sum += p[static_cast<size_t>(j)] * static_cast<double>(v[(b * 5 + j) * 6 + e]);
        expected.push_back(static_cast<float>(sum));
      }
    }
  Variable y = layer.forward(Variable(queries), Variable(keys), Variable(values), {});
  EXPECT_TRUE(close(y.value(), expected, 1e-5, 1e-5));
}

TEST(AdditiveAttention, EveryInputAndParameterHasItsGradient) {
  AdditiveAttention layer(3, 2, 4);
  ParameterSet set(layer, device(), 5);
  const Tensor lengths = from_vector<int64_t>(device(), {2}, {3, 5});
  EXPECT_TRUE(test::gradcheck(
      [&](const std::vector<Variable>& in) { return layer.forward(in[0], in[1], in[2], lengths); },
      {random({2, 3, 3}, 1), random({2, 5, 2}, 2), random({2, 5, 4}, 3)}));
  for (const auto& slot : set.slots())
    EXPECT_TRUE(slot.parameter->variable.has_grad()) << slot.name;
}

class MultiHead : public testing::Test {
 protected:
  static constexpr int64_t kWidth = 6, kHeads = 3, kSize = 2;
  MultiHeadAttention layer{kWidth, kHeads};
  ParameterSet set{layer, device(), 9};

  // x W[part]^T + b[part] for one row of x
  std::vector<double> project(const float* x, size_t child, int64_t part) const {
    const auto& parameters = layer.children()[child].module->parameters();
    const std::vector<float> weight = parameters[0].second->variable.value().to_vector<float>();
    const std::vector<float> bias = parameters[1].second->variable.value().to_vector<float>();
    std::vector<double> y;
    for (int64_t o = part * kWidth; o < (part + 1) * kWidth; ++o) {
      double sum = static_cast<double>(bias[o]);
      for (int64_t i = 0; i < kWidth; ++i)
        sum += static_cast<double>(weight[o * kWidth + i] * x[i]);
      y.push_back(sum);
    }
    return y;
  }

  // One query's result, head by head in plain loops, over the first `valid` keys.
  std::vector<double> expected(const float* query, const float* keys, const float* values,
                               int64_t valid) const {
    const std::vector<double> q = project(query, 0, 0);
    std::vector<float> joined;
    for (int64_t head = 0; head < kHeads; ++head) {
      std::vector<double> scores;
      for (int64_t j = 0; j < valid; ++j) {
        const std::vector<double> k = project(keys + j * kWidth, 0, 1);
        double score = 0;
        for (int64_t i = head * kSize; i < (head + 1) * kSize; ++i) score += q[i] * k[i];
        scores.push_back(score / std::sqrt(static_cast<double>(kSize)));
      }
      const std::vector<double> p = softmax_of(scores);
      for (int64_t i = head * kSize; i < (head + 1) * kSize; ++i) {
        double sum = 0;
        for (int64_t j = 0; j < valid; ++j)
          sum += p[static_cast<size_t>(j)] * project(values + j * kWidth, 0, 2)[i];
        joined.push_back(static_cast<float>(sum));
      }
    }
    return project(joined.data(), 1, 0);
  }

  std::vector<float> expected(const Tensor& queries, const Tensor& keys, const Tensor& values,
                              const std::vector<int64_t>& valid) const {
    std::vector<float> all;
    const std::vector<float> q = queries.to_vector<float>(), k = keys.to_vector<float>(),
                             v = values.to_vector<float>();
    for (int64_t b = 0; b < queries.size(0); ++b)
      for (int64_t i = 0; i < queries.size(1); ++i)
        for (double value :
             expected(q.data() + (b * queries.size(1) + i) * kWidth,
                      k.data() + b * keys.size(1) * kWidth, v.data() + b * keys.size(1) * kWidth,
                      valid[static_cast<size_t>(b)]))
          all.push_back(static_cast<float>(value));
    return all;
  }
};

TEST_F(MultiHead, SelfAttentionIsANaiveLoop) {
  EXPECT_THAT(names_of(set), ElementsAre("qkv.weight", "qkv.bias", "output.weight", "output.bias"));
  const Tensor x = random({2, 5, kWidth}, 1);
  EXPECT_TRUE(close(forward(layer, x), expected(x, x, x, {5, 5}), 1e-5, 1e-5));
  const Tensor lengths = from_vector<int64_t>(device(), {2}, {2, 4});
  EXPECT_TRUE(close(layer.forward(Variable(x), lengths, {}).value(), expected(x, x, x, {2, 4}),
                    1e-5, 1e-5));
}

TEST_F(MultiHead, QueriesKeysAndValuesMayDiffer) {
  const Tensor q = random({2, 3, kWidth}, 1), k = random({2, 5, kWidth}, 2);
  const Tensor v = random({2, 5, kWidth}, 3);
  const Tensor lengths = from_vector<int64_t>(device(), {2}, {5, 2});
  Variable y = layer.forward(Variable(q), Variable(k), Variable(v), lengths);
  EXPECT_TRUE(close(y.value(), expected(q, k, v, {5, 2}), 1e-5, 1e-5));
}

TEST_F(MultiHead, BothWaysHaveTheSameGradients) {
  Variable x(random({2, 5, kWidth}, 1), true);
  const Tensor seed = random({2, 5, kWidth}, 2);
  layer.forward(x, Context{}).backward(seed);
  const Tensor of_x = x.grad().clone(), of_parameters = set.gradients().clone();
  x.zero_grad();
  set.zero_grad();
  layer.forward(x, x, x, Tensor()).backward(seed);
  EXPECT_TRUE(close(x.grad(), of_x, 1e-5, 1e-5));
  EXPECT_TRUE(close(set.gradients(), of_parameters, 1e-5, 1e-5));
}

TEST(MultiHeadAttention, WithoutBias) {
  MultiHeadAttention layer(8, 2, {}, Linear::Bias::no);
  ParameterSet set(layer, device(), 1);
  EXPECT_THAT(names_of(set), ElementsAre("qkv.weight", "output.weight"));
  EXPECT_TRUE(close(forward(layer, zeros(device(), {1, 3, 8})), zeros(device(), {1, 3, 8}), 0, 0));
  EXPECT_THAT(message_of([] { MultiHeadAttention(8, 3); }),
              AllOf(HasSubstr("width 8"), HasSubstr("3 heads")));
}

TEST(TransformerEncoderBlock, IsResidualAndNormalisesInputs) {
  TransformerEncoderBlock block({.width = 8, .heads = 2, .hidden = 12});
  ParameterSet set(block, device(), 1);
  EXPECT_THAT(
      names_of(set),
      ElementsAre("norm1.weight", "norm1.bias", "attention.qkv.weight", "attention.qkv.bias",
                  "attention.output.weight", "attention.output.bias", "norm2.weight", "norm2.bias",
                  "mlp.hidden.weight", "mlp.hidden.bias", "mlp.output.weight", "mlp.output.bias"));
  EXPECT_EQ(set.count(), 4 * 8 + 3 * 8 * 9 + 8 * 9 + 12 * 9 + 8 * 13);
  const Tensor x = random({2, 3, 8}, 1);
  const Tensor change = forward(block, x) - x;
  // The branches' output does not depend on the scale of x, only on its direction.
  EXPECT_TRUE(close(forward(block, x * 1000.0) - x * 1000.0,
                    forward(block, x * 2000.0) - x * 2000.0, 0.05, 0.05));
  for (const auto& slot : set.slots())
    if (slot.name.find("output") != std::string::npos)
      device().fill(slot.parameter->variable.value().view(), 0);
  EXPECT_TRUE(close(forward(block, x), x, 0, 0)) << "without branches nothing is left but x";
  EXPECT_GT(sum(abs(Variable(change))).value().item<float>(), 1);
}

TEST(LinearLayer, HasNoBiasWhenToldSo) {
  Linear layer(3, 2, Activation::none, {.weight = constant(2), .bias = {}}, Linear::Bias::no);
  ParameterSet set(layer, device(), 1);
  EXPECT_THAT(names_of(set), ElementsAre("weight"));
  EXPECT_TRUE(close(forward(layer, ones(device(), {2, 2, 3})), std::vector<float>(8, 6)));
}

TEST(LayerNormLayer, NormalisesTheLastAxis) {
  LayerNorm layer(4);
  ParameterSet set(layer, device(), 1);
  EXPECT_EQ(set.count(), 8);
  const Tensor x = from_vector<float>(device(), {1, 2, 4}, {1, 2, 3, 6, 10, 10, 40, 60});
  const float a = std::sqrt(3.5f), b = std::sqrt(450.0f);
  EXPECT_TRUE(close(forward(layer, x), {-2 / a, -1 / a, 0, 3 / a, -20 / b, -20 / b, 10 / b, 30 / b},
                    1e-4, 1e-5));
  layer.parameters()[0].second->variable.value().copy_from(from_list(device(), {1, 2, 3, 4}));
  layer.parameters()[1].second->variable.value().copy_from(from_list(device(), {5, 6, 7, 8}));
  EXPECT_TRUE(close(forward(layer, x.reshape({2, 4}).rows(0, 1)),
                    {5 - 2 / a, 6 - 2 / a, 7, 8 + 12 / a}, 1e-4, 1e-5));
}

TEST(EmbeddingLayer, LooksUpItsRows) {
  Embedding layer(5, 3);
  ParameterSet set(layer, device(), 1);
  const Tensor table = layer.parameters()[0].second->variable.value();
  const Tensor y = forward(layer, from_vector<int64_t>(device(), {2, 2}, {4, 0, 1, 4}));
  EXPECT_EQ(y.shape(), (Shape{2, 2, 3}));
  const Tensor rows = y.reshape({4, 3});
  EXPECT_TRUE(close(rows[0], table[4], 0, 0));
  EXPECT_TRUE(close(rows[1], table[0], 0, 0));
  EXPECT_TRUE(close(rows[2], table[1], 0, 0));
}

TEST(PositionalEmbedding, AddsOneVectorPerPosition) {
  PositionalEmbedding layer(4, 3);
  ParameterSet set(layer, device(), 1);
  const Variable weight = layer.parameters()[0].second->variable;
  const Tensor x = random({2, 4, 3}, 1), shorter = random({2, 2, 3}, 2);
  EXPECT_TRUE(close(forward(layer, x), x + weight.value()));
  EXPECT_TRUE(close(forward(layer, shorter), shorter + weight.value().rows(0, 2)));
  sum(layer.forward(Variable(shorter), {})).backward();
  EXPECT_TRUE(close(weight.grad(), {2, 2, 2, 2, 2, 2, 0, 0, 0, 0, 0, 0}, 0, 0));
  EXPECT_THAT(message_of([&] {
                forward(layer, zeros(device(), {1, 5, 3}));
              }),
              AllOf(HasSubstr("up to 4"), HasSubstr("[1, 5, 3]")));
}

TEST(PositionalEncoding, IsSinesAndCosines) {
  PositionalEncoding layer;
  const Tensor x = random({2, 60, 8}, 1);
  const Tensor added = forward(layer, x) - x;
  std::vector<float> expected;
  for (int64_t b = 0; b < 2; ++b)
    for (int64_t i = 0; i < 60; ++i)
      for (int64_t j = 0; j < 8; ++j) {
        const double angle =
            static_cast<double>(i) / std::pow(10000.0, static_cast<double>(j / 2 * 2) / 8);
        expected.push_back(static_cast<float>(j % 2 == 0 ? std::sin(angle) : std::cos(angle)));
      }
  EXPECT_TRUE(close(added, expected, 1e-5, 1e-5));
  EXPECT_EQ(forward(layer, zeros(device(), {1, 3, 4})).shape(), (Shape{1, 3, 4}));
  EXPECT_THAT(message_of([&] {
                forward(layer, zeros(device(), {1, 3, 5}));
              }),
              HasSubstr("[1, 3, 5]"));
}

}  // namespace
}  // namespace d2l::nn
