#include "framework/autograd/attention.h"

#include <gmock/gmock.h>

#include "framework/autograd/embedding.h"
#include "framework/autograd/linear.h"
#include "framework/autograd/softmax.h"
#include "tests/support/gradcheck.h"

namespace d2l {
namespace {

using test::close;
using test::device;
using test::gradcheck;
using test::message_of;
using testing::AllOf;
using testing::HasSubstr;
using Inputs = const std::vector<Variable>&;

Tensor random(const Shape& shape, uint64_t stream, double low = -1, double high = 1) {
  return uniform(device(), shape, {.seed = 7, .stream = stream}, low, high);
}

Tensor lengths(const Shape& shape, const std::vector<int64_t>& values) {
  return from_vector(device(), shape, values);
}

// Chapter 10.3.1.
TEST(MaskedSoftmax, TheBooksExamples) {
  Variable scores(random({2, 2, 4}, 1));
  std::vector<float> y = masked_softmax(scores, lengths({2}, {2, 3})).value().to_vector<float>();
  for (size_t row = 0; row < 4; ++row) {
    const size_t valid = row < 2 ? 2 : 3;
    float sum = 0;
    for (size_t i = 0; i < 4; ++i) {
      if (i < valid)
        EXPECT_GT(y[row * 4 + i], 0);
      else
        EXPECT_EQ(y[row * 4 + i], 0);
      sum += y[row * 4 + i];
    }
    EXPECT_NEAR(sum, 1, 1e-6);
  }
  y = masked_softmax(scores, lengths({2, 2}, {1, 3, 2, 4})).value().to_vector<float>();
  EXPECT_EQ(std::vector<float>(y.begin(), y.begin() + 4), (std::vector<float>{1, 0, 0, 0}));
  EXPECT_EQ(y[7], 0);
  EXPECT_EQ(y[10], 0);
  EXPECT_GT(y[15], 0);
}

TEST(MaskedSoftmax, NothingThatCountsIsUniformAndHasNoGradient) {
  Variable scores(random({1, 2, 4}, 1), true);
  Variable y = masked_softmax(scores, lengths({1, 2}, {0, 4}));
  EXPECT_TRUE(close(y.value().reshape({2, 4})[0], {0.25f, 0.25f, 0.25f, 0.25f}));
  y.backward(random({1, 2, 4}, 2));
  EXPECT_TRUE(close(scores.grad().reshape({2, 4})[0], {0, 0, 0, 0}, 0, 0));
  EXPECT_NE(scores.grad().reshape({2, 4})[1].to_vector<float>()[0], 0);
}

TEST(MaskedSoftmax, WithoutLengthsIsSoftmax) {
  Variable scores(random({2, 3, 4}, 1));
  EXPECT_TRUE(close(masked_softmax(scores, {}).value(), softmax(scores).value(), 0, 0));
}

TEST(MaskedSoftmax, Gradient) {
  const auto masked = [](const Tensor& valid) {
    return [valid](Inputs in) { return square(masked_softmax(in[0], valid)); };
  };
  const Tensor x = random({2, 3, 4}, 3, -2, 2);
  EXPECT_TRUE(gradcheck(masked(lengths({2}, {1, 3})), {x}, {.absolute = 1e-3}));
  EXPECT_TRUE(gradcheck(masked(lengths({2, 3}, {0, 1, 2, 3, 4, 9})), {x}, {.absolute = 1e-3}));
}

TEST(MaskedSoftmax, RefusesOtherShapes) {
  Variable scores(random({2, 3, 4}, 1));
  EXPECT_THAT(message_of([&] {
                masked_softmax(scores, lengths({3}, {1, 1, 1}));
              }),
              AllOf(HasSubstr("[2] or [2, 3]"), HasSubstr("[3]")));
  EXPECT_THAT(message_of([&] { masked_softmax(scores, zeros(device(), {2})); }), HasSubstr("i64"));
  EXPECT_THAT(
      message_of([&] { masked_softmax(Variable(zeros(device(), {2})), lengths({1}, {1})); }),
      HasSubstr("[b, q, k]"));
}

// softmax(q k^T / sqrt(d)) v of one head, composed of other operations.
Variable composed(const Variable& q, const Variable& k, const Variable& v, const Tensor& valid) {
  const double scale = 1 / std::sqrt(static_cast<double>(q.shape()[2]));
  return matmul(masked_softmax(matmul(q, transpose(k)) * scale, valid), v);
}

struct AttentionCase {
  int64_t heads;
  Tensor lengths;
};

std::vector<AttentionCase> attention_cases() {
  return {{1, {}},
          {3, {}},
          {1, lengths({2}, {2, 5})},
          {2, lengths({2}, {0, 3})},
          {3, lengths({2, 4}, {1, 2, 3, 4, 5, 0, 9, 1})}};
}

TEST(Attention, IsItsCompositionHeadByHead) {
  for (const AttentionCase& c : attention_cases()) {
    const int64_t d = 3, e = 2;
    std::vector<Variable> fused, plain;
    for (const Tensor& x : {random({2, 4, c.heads * d}, 4), random({2, 5, c.heads * d}, 5),
                            random({2, 5, c.heads * e}, 6)}) {
      fused.emplace_back(x, true);
      plain.emplace_back(x, true);
    }
    std::vector<Variable> heads;
    for (int64_t head = 0; head < c.heads; ++head) {
      const auto part = [head](const Variable& x, int64_t width) {
        return get(x, {Index(), Index(), Index(head * width, (head + 1) * width)});
      };
      heads.push_back(composed(part(plain[0], d), part(plain[1], d), part(plain[2], e), c.lengths));
    }
    Variable expected = concat(heads, 2);
    Variable y = attention(fused[0], fused[1], fused[2], {c.heads, c.lengths});
    EXPECT_TRUE(close(y.value(), expected.value()));
    const Tensor seed = random(y.shape(), 7);
    y.backward(seed);
    expected.backward(seed);
    for (size_t i = 0; i < 3; ++i) EXPECT_TRUE(close(fused[i].grad(), plain[i].grad(), 1e-5, 1e-5));
  }
}

TEST(Attention, Gradient) {
  for (const AttentionCase& c : attention_cases())
    EXPECT_TRUE(gradcheck(
        [&c](Inputs in) {
          return attention(in[0], in[1], in[2], {c.heads, c.lengths});
        },
        {random({2, 4, c.heads * 3}, 8, -2, 2), random({2, 5, c.heads * 3}, 9, -2, 2),
         random({2, 5, c.heads * 2}, 10)}));
}

TEST(Attention, OneTensorCanBeAllThree) {
  const auto on_itself = [](Inputs in) { return attention(in[0], in[0], in[0]); };
  EXPECT_TRUE(gradcheck(on_itself, {random({2, 3, 4}, 11, -2, 2)}));
}

TEST(Attention, ConstantKeysNeedNoGradient) {
  Variable queries(random({1, 2, 3}, 12), true), keys(random({1, 4, 3}, 13));
  attention(queries, keys, keys).backward(ones(device(), {1, 2, 3}));
  EXPECT_TRUE(queries.has_grad());
  EXPECT_FALSE(keys.has_grad());
}

TEST(Attention, PackedIsTheSame) {
  for (const AttentionCase& c : attention_cases()) {
    const Tensor valid = c.lengths.defined() && c.lengths.rank() == 2 ? Tensor() : c.lengths;
    const int64_t width = c.heads * 4;
    Variable packed(random({2, 5, 3 * width}, 14), true), apart(packed.value(), true);
    const auto part = [&](int64_t i) {
      return get(apart, {Index(), Index(), Index(i * width, (i + 1) * width)});
    };
    Variable y = self_attention(packed, {c.heads, valid});
    Variable expected = attention(part(0), part(1), part(2), {c.heads, valid});
    EXPECT_TRUE(close(y.value(), expected.value(), 0, 0));
    const Tensor seed = random(y.shape(), 15);
    y.backward(seed);
    expected.backward(seed);
    EXPECT_TRUE(close(packed.grad(), apart.grad(), 0, 0));
  }
}

TEST(Attention, EmptyPartOfABatch) {
  Variable packed(Tensor(device(), {0, 5, 12}), true);
  Variable y = self_attention(packed, {.heads = 2});
  EXPECT_EQ(y.shape(), (Shape{0, 5, 4}));
  sum(y).backward();
  EXPECT_EQ(packed.grad().shape(), packed.shape());
}

TEST(Attention, RefusesWhatDoesNotFit) {
  const auto x = [](const Shape& shape) { return Variable(zeros(device(), shape)); };
  EXPECT_THAT(message_of([&] {
                attention(x({2, 3, 4}), x({2, 3, 5}), x({2, 3, 4}));
              }),
              AllOf(HasSubstr("[2, 3, 4]"), HasSubstr("[2, 3, 5]"), HasSubstr("width")));
  EXPECT_THAT(message_of([&] {
                attention(x({2, 3, 4}), x({2, 3, 4}), x({2, 4, 4}));
              }),
              HasSubstr("[2, 4, 4]"));
  EXPECT_THAT(message_of([&] {
                attention(x({2, 3, 4}), x({2, 0, 4}), x({2, 0, 4}));
              }),
              HasSubstr("at least one"));
  EXPECT_THAT(message_of([&] {
                self_attention(x({2, 3, 12}), {.heads = 3});
              }),
              AllOf(HasSubstr("3 heads"), HasSubstr("found 4")));
  EXPECT_THAT(message_of([&] { self_attention(x({2, 3, 4})); }), HasSubstr("3 w"));
  EXPECT_THAT(message_of([&] {
                self_attention(x({2, 3, 12}), {.lengths = lengths({2, 2}, {1, 1, 1, 1})});
              }),
              AllOf(HasSubstr("[2, 3]"), HasSubstr("[2, 2]")));
}

TEST(Embedding, TakesRowsAndAddsTheirGradients) {
  Variable table(from_list(device(), {{1, 2}, {3, 4}, {5, 6}}), true);
  Variable y = embedding(table, lengths({2, 2}, {2, 0, 2, 2}));
  EXPECT_EQ(y.shape(), (Shape{2, 2, 2}));
  EXPECT_TRUE(close(y.value(), {5, 6, 1, 2, 5, 6, 5, 6}, 0, 0));
  y.backward(from_vector<float>(device(), {2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8}));
  EXPECT_TRUE(close(table.grad(), {3, 4, 0, 0, 13, 16}, 0, 0));
}

TEST(Embedding, RefusesIndicesOutside) {
  Variable table(zeros(device(), {3, 2}));
  EXPECT_THAT(message_of([&] {
                embedding(table, lengths({2}, {0, 3}));
              }),
              AllOf(HasSubstr("index 3 at position 1"), HasSubstr("3 elements of the first axis")));
  EXPECT_THAT(message_of([&] { embedding(table, lengths({1}, {-1})); }), HasSubstr("index -1"));
}

}  // namespace
}  // namespace d2l
