#include <algorithm>
#include <optional>
#include <ostream>

#include "tests/backend/arrays.h"

namespace d2l::test {
namespace {

using Ints = std::vector<int64_t>;

struct Case {
  int64_t batch, queries, keys, heads, width, value_width;  // widths are of one head
  std::optional<Ints> lengths = {};
};

// In names of tests.
void PrintTo(const Case& c, std::ostream* stream) {
  *stream << c.batch << " samples, " << c.queries << " x " << c.keys << ", " << c.heads
          << " heads of " << c.width << " and " << c.value_width
          << (c.lengths ? ", with lengths" : "");
}

const std::vector<Case> kCases = {
    {1, 1, 1, 1, 1, 1},
    {2, 3, 5, 1, 2, 3},
    {2, 17, 17, 4, 16, 16},
    {1, 49, 49, 2, 24, 24},
    {2, 64, 64, 2, 32, 32},
    {1, 65, 130, 1, 64, 50},
    {1, 256, 256, 1, 16, 16},
    {1, 7, 300, 3, 5, 70},
    {2, 3, 10, 1, 2, 4, Ints{2, 6}},
    {3, 20, 33, 2, 16, 16, Ints{33, 0, 50}},
    {2, 3, 7, 2, 8, 9, Ints{1, 7, 0, 3, -4, 100}},
    {1, 70, 70, 1, 8, 8, Ints(70, 1)},
};

double dot(const float* a, const float* b, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

// Softmax of the first `length` elements, 0 for the rest; uniform where the length is 0 or less.
std::vector<double> naive_weights(const std::vector<double>& scores, int64_t length) {
  const int64_t keys = static_cast<int64_t>(scores.size());
  if (length <= 0) return std::vector<double>(scores.size(), 1.0 / static_cast<double>(keys));
  std::vector<double> weights(scores.size(), 0.0);
  const auto end = scores.begin() + std::min(length, keys);
  const double max = *std::max_element(scores.begin(), end);
  double sum = 0;
  for (auto score = scores.begin(); score != end; ++score) sum += std::exp(*score - max);
  for (int64_t i = 0; i < end - scores.begin(); ++i) weights[i] = std::exp(scores[i] - max) / sum;
  return weights;
}

// The arrays of a case, and every output twice: of the CPU's kernel and of the default body.
class Attention : public testing::TestWithParam<Case> {
 protected:
  const Case& c = GetParam();
  std::unique_ptr<Backend> backend = make_cpu_backend(2);
  Shape query_shape{c.batch, c.queries, c.heads* c.width};
  Shape key_shape{c.batch, c.keys, c.heads* c.width};
  Shape value_shape{c.batch, c.keys, c.heads* c.value_width};
  Shape y_shape{c.batch, c.queries, c.heads* c.value_width};
  Floats queries = random_floats(query_shape.elements(), -2, 2, 1);
  Floats keys = random_floats(key_shape.elements(), -2, 2, 2);
  Floats values = random_floats(value_shape.elements(), -2, 2, 3);
  Floats grad_y = random_floats(y_shape.elements(), -2, 2, 4);
  Floats kept = poisoned(c.batch * c.heads * c.queries);

  static ConstStridedView strided(const Floats& x, const Shape& shape) {
    return {x.data(), DType::f32, shape, contiguous_strides(shape)};
  }
  static StridedView strided(Floats& x, const Shape& shape) {
    return {x.data(), DType::f32, shape, contiguous_strides(shape)};
  }

  Backend::AttentionOperands operands() const {
    return {strided(queries, query_shape), strided(keys, key_shape), strided(values, value_shape),
            lengths()};
  }
  ConstView lengths() const {
    if (!c.lengths) return {};
    return in(*c.lengths, static_cast<int64_t>(c.lengths->size()) == c.batch
                              ? Shape{c.batch}
                              : Shape{c.batch, c.queries});
  }
  View kept_view() { return out(kept, {c.batch, c.heads, c.queries}); }

  int64_t length(int64_t sample, int64_t query) const {
    if (!c.lengths) return c.keys;
    const bool each = static_cast<int64_t>(c.lengths->size()) != c.batch;
    return (*c.lengths)[static_cast<size_t>(each ? sample * c.queries + query : sample)];
  }

  std::vector<double> expected_y() const {
    std::vector<double> y;
    for (int64_t sample = 0; sample < c.batch; ++sample)
      for (int64_t query = 0; query < c.queries; ++query)
        for (int64_t head = 0; head < c.heads; ++head) {
          const float* q =
              queries.data() + ((sample * c.queries + query) * c.heads + head) * c.width;
          std::vector<double> scores;
          for (int64_t key = 0; key < c.keys; ++key)
            scores.push_back(dot(q,
                                 keys.data() + ((sample * c.keys + key) * c.heads + head) * c.width,
                                 c.width) /
                             std::sqrt(static_cast<double>(c.width)));
          const std::vector<double> weights = naive_weights(scores, length(sample, query));
          for (int64_t i = 0; i < c.value_width; ++i) {
            double sum = 0;
            for (int64_t key = 0; key < c.keys; ++key)
              sum += weights[key] *
                     values[((sample * c.keys + key) * c.heads + head) * c.value_width + i];
            y.push_back(sum);
          }
        }
    return y;
  }

  struct Gradients {
    Floats queries, keys, values;
  };
  template <class Call>
  Gradients gradients(const Call& call) const {
    Gradients result{poisoned(query_shape.elements()), poisoned(key_shape.elements()),
                     poisoned(value_shape.elements())};
    call(Backend::AttentionGradients{strided(result.queries, query_shape),
                                     strided(result.keys, key_shape),
                                     strided(result.values, value_shape)});
    return result;
  }
};

TEST_P(Attention, MatchesDoublesAsDoesTheComposition) {
  const AttentionParams params{c.heads};
  const std::vector<double> expected = expected_y();
  Floats y = poisoned(y_shape.elements());
  backend->attention(params, operands(), kept_view(), out(y, y_shape));
  EXPECT_TRUE(near(y, expected, 1e-5, 2e-6));
  y = poisoned(y_shape.elements());
  backend->Backend::do_attention(params, operands(), kept_view(), out(y, y_shape));
  EXPECT_TRUE(near(y, expected, 1e-5, 2e-6));
}

TEST_P(Attention, GradientIsTheCompositions) {
  const AttentionParams params{c.heads};
  Floats y = poisoned(y_shape.elements());
  backend->attention(params, operands(), kept_view(), out(y, y_shape));
  const Gradients found = gradients([&](const Backend::AttentionGradients& to) {
    backend->attention_backward(params, operands(), kept_view(), in(grad_y, y_shape), to);
  });
  const Gradients expected = gradients([&](const Backend::AttentionGradients& to) {
    backend->Backend::do_attention_backward(params, operands(), {}, in(grad_y, y_shape), to);
  });
  EXPECT_TRUE(near(found.queries, expected.queries, 1e-5, 1e-5));
  EXPECT_TRUE(near(found.keys, expected.keys, 1e-5, 1e-5));
  EXPECT_TRUE(near(found.values, expected.values, 1e-5, 1e-5));
}

INSTANTIATE_TEST_SUITE_P(Shapes, Attention, testing::ValuesIn(kCases));

TEST(AttentionKernel, ReadsAndWritesPartsOfWiderRows) {
  auto backend = make_cpu_backend(1);
  const int64_t batch = 2, n = 9, width = 12;
  const AttentionParams params{.heads = 3};
  const Shape shape{batch, n, width}, wide{batch, n, 3 * width};
  Floats packed = random_floats(wide.elements()), grad_y = random_floats(shape.elements());
  Floats parts[3], grads[3];
  for (int64_t part = 0; part < 3; ++part) {
    grads[part] = poisoned(shape.elements());
    for (int64_t row = 0; row < batch * n; ++row)
      for (int64_t i = 0; i < width; ++i)
        parts[part].push_back(packed[static_cast<size_t>((row * 3 + part) * width + i)]);
  }
  const auto part_of = [&](Floats& whole, int64_t part) {
    return StridedView{whole.data() + part * width, DType::f32, shape, contiguous_strides(wide)};
  };
  const auto whole_of = [&](Floats& one) {
    return StridedView{one.data(), DType::f32, shape, contiguous_strides(shape)};
  };
  const Backend::AttentionOperands together{
      part_of(packed, 0), part_of(packed, 1), part_of(packed, 2), {}};
  const Backend::AttentionOperands apart{
      whole_of(parts[0]), whole_of(parts[1]), whole_of(parts[2]), {}};
  Floats kept = poisoned(batch * 3 * n), y = poisoned(shape.elements()), y_apart = y;
  backend->attention(params, together, out(kept, {batch, 3, n}), out(y, shape));
  backend->attention(params, apart, out(kept, {batch, 3, n}), out(y_apart, shape));
  EXPECT_TRUE(same_bits(y, y_apart));
  Floats grad = poisoned(wide.elements()), composed = grad;
  backend->attention_backward(params, together, out(kept, {batch, 3, n}), in(grad_y, shape),
                              {part_of(grad, 0), part_of(grad, 1), part_of(grad, 2)});
  backend->attention_backward(params, apart, out(kept, {batch, 3, n}), in(grad_y, shape),
                              {whole_of(grads[0]), whole_of(grads[1]), whole_of(grads[2])});
  Floats expected;
  for (int64_t row = 0; row < batch * n; ++row)
    for (const Floats& part : grads)
      expected.insert(expected.end(), part.begin() + row * width, part.begin() + (row + 1) * width);
  EXPECT_TRUE(same_bits(grad, expected));
  backend->Backend::do_attention_backward(
      params, together, {}, in(grad_y, shape),
      {part_of(composed, 0), part_of(composed, 1), part_of(composed, 2)});
  EXPECT_TRUE(near(composed, expected, 1e-5, 1e-6));
}

TEST(AttentionKernel, HugeScoresStayFinite) {
  auto backend = make_cpu_backend(1);
  const Shape shape{1, 2, 1};
  const Floats queries{1e4f, -1e4f}, keys{1e4f, -1e4f}, values{3, 5}, grad_y{1, 1};
  const auto view = [&](const Floats& x) {
    return ConstStridedView{x.data(), DType::f32, shape, contiguous_strides(shape)};
  };
  const Backend::AttentionOperands operands{view(queries), view(keys), view(values), {}};
  Floats kept = poisoned(2), y = poisoned(2), grads[3] = {poisoned(2), poisoned(2), poisoned(2)};
  backend->attention({}, operands, out(kept, {1, 1, 2}), out(y, shape));
  EXPECT_TRUE(near(y, Floats{3, 5}));
  const auto to = [&](Floats& x) {
    return StridedView{x.data(), DType::f32, shape, contiguous_strides(shape)};
  };
  backend->attention_backward({}, operands, out(kept, {1, 1, 2}), in(grad_y, shape),
                              {to(grads[0]), to(grads[1]), to(grads[2])});
  EXPECT_TRUE(near(grads[0], Floats{0, 0}));
  EXPECT_TRUE(near(grads[1], Floats{0, 0}));
  EXPECT_TRUE(near(grads[2], Floats{1, 1}));
}

TEST(AttentionKernel, SameBitsOnAnyNumberOfThreads) {
  expect_thread_independent([](Backend& backend) {
    const Shape shape{5, 70, 48};
    const Strides steps = contiguous_strides(shape);
    Floats x = random_floats(shape.elements()), y = poisoned(shape.elements());
    Floats kept = poisoned(5 * 3 * 70);
    Floats grads[3] = {y, y, y};
    const ConstStridedView view{x.data(), DType::f32, shape, steps};
    const Backend::AttentionOperands operands{view, view, view, {}};
    backend.attention({.heads = 3}, operands, out(kept, {5, 3, 70}), out(y, shape));
    backend.attention_backward({.heads = 3}, operands, out(kept, {5, 3, 70}), in(x, shape),
                               {{grads[0].data(), DType::f32, shape, steps},
                                {grads[1].data(), DType::f32, shape, steps},
                                {grads[2].data(), DType::f32, shape, steps}});
    for (const Floats& grad : grads) y.insert(y.end(), grad.begin(), grad.end());
    return y;
  });
}

struct MaskedCase {
  Shape shape, lengths_shape;
  Ints lengths;
};

const std::vector<MaskedCase> kMasked = {
    {{2, 2, 4}, {2}, {2, 3}},       {{2, 2, 4}, {2, 2}, {1, 3, 2, 4}},
    {{3, 1, 70}, {3}, {0, 70, 33}}, {{1, 4, 33}, {1, 4}, {-1, 1, 40, 32}},
    {{2, 500, 90}, {2}, {64, 5}},
};

TEST(MaskedSoftmax, MatchesDoublesAsDoesTheComposition) {
  auto backend = make_cpu_backend(2);
  for (const MaskedCase& c : kMasked) {
    const int64_t count = c.shape.elements(), keys = c.shape[2];
    const int64_t repeat = c.lengths_shape.rank() == 2 ? 1 : c.shape[1];
    Floats x = random_floats(count, -9, 9), y = poisoned(count), composed = y;
    std::vector<double> expected;
    for (int64_t row = 0; row < count / keys; ++row) {
      const std::vector<double> scores(x.begin() + row * keys, x.begin() + (row + 1) * keys);
      const std::vector<double> weights =
          naive_weights(scores, c.lengths[static_cast<size_t>(row / repeat)]);
      expected.insert(expected.end(), weights.begin(), weights.end());
    }
    const ConstView lengths = in(c.lengths, c.lengths_shape);
    backend->masked_softmax(in(x, c.shape), lengths, out(y, c.shape));
    EXPECT_TRUE(near(y, expected, 2e-6)) << c.shape;  // 0 is exact
    backend->Backend::do_masked_softmax(in(x, c.shape), lengths, out(composed, c.shape));
    EXPECT_TRUE(near(composed, expected, 2e-6)) << c.shape;
    Floats grad_y = random_floats(count, -1, 1, 5), grad_x = poisoned(count), also = grad_x;
    backend->masked_softmax_backward(in(y, c.shape), lengths, in(grad_y, c.shape),
                                     out(grad_x, c.shape));
    backend->Backend::do_masked_softmax_backward(in(y, c.shape), lengths, in(grad_y, c.shape),
                                                 out(also, c.shape));
    EXPECT_TRUE(near(grad_x, also, 1e-5, 1e-7)) << c.shape;
  }
}

}  // namespace
}  // namespace d2l::test
