#include "tests/backend/cases/plain_attention.h"

namespace d2l::test {
namespace {

// The number of valid keys of a query: lengths are [b], [b, q] or absent.
int64_t length_of(const ConstView& lengths, const Shape& scores, int64_t sample, int64_t query) {
  if (!lengths) return scores[2];
  return lengths.as<int64_t>()[lengths.shape.rank() == 2 ? sample * scores[1] + query : sample];
}

// Row `index` of one head of a [b, n, heads * width] view.
Doubles head_row(const ConstStridedView& view, int64_t sample, int64_t index, int64_t first,
                 int64_t width) {
  const int64_t at = sample * view.strides[0] + index * view.strides[1] + first;
  const auto size = static_cast<int64_t>(size_of(view.dtype));
  return doubles({static_cast<const char*>(view.data) + at * size, view.dtype, {width}});
}

// A gradient that is summed in doubles and stored at the end.
class SummedGradient {
 public:
  explicit SummedGradient(const StridedView& view)
      : view_(view), sums_(static_cast<size_t>(view.shape.elements())) {}
  ~SummedGradient() {
    const int64_t width = view_.shape[2];
    const auto size = static_cast<int64_t>(size_of(view_.dtype));
    for (int64_t i = 0; i < view_.shape[0]; ++i)
      for (int64_t j = 0; j < view_.shape[1]; ++j) {
        const auto row = sums_.begin() + (i * view_.shape[1] + j) * width;
        const int64_t at = i * view_.strides[0] + j * view_.strides[1];
        store({static_cast<char*>(view_.data) + at * size, view_.dtype, {width}},
              Doubles(row, row + width));
      }
  }
  SummedGradient(const SummedGradient&) = delete;
  SummedGradient& operator=(const SummedGradient&) = delete;

  void add(int64_t sample, int64_t index, int64_t first, double factor, const Doubles& row) {
    double* to = sums_.data() + (sample * view_.shape[1] + index) * view_.shape[2] + first;
    for (size_t i = 0; i < row.size(); ++i) to[i] += factor * row[i];
  }

 private:
  StridedView view_;
  Doubles sums_;
};

double dot(const Doubles& a, const Doubles& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

// Calls body(sample, query, head, weights of the keys).
template <class Body>
void for_weights(const AttentionParams& params, const Backend::AttentionOperands& in,
                 const Body& body) {
  const int64_t width = in.queries.shape[2] / params.heads;
  const Shape scores{in.queries.shape[0], in.queries.shape[1], in.keys.shape[1]};
  for (int64_t sample = 0; sample < scores[0]; ++sample)
    for (int64_t query = 0; query < scores[1]; ++query)
      for (int64_t head = 0; head < params.heads; ++head) {
        const Doubles q = head_row(in.queries, sample, query, head * width, width);
        Doubles row;
        for (int64_t key = 0; key < scores[2]; ++key)
          row.push_back(dot(q, head_row(in.keys, sample, key, head * width, width)) /
                        std::sqrt(static_cast<double>(width)));
        body(sample, query, head,
             PlainAttention::weights_of(row, length_of(in.lengths, scores, sample, query)));
      }
}

}  // namespace

Doubles PlainAttention::weights_of(const Doubles& scores, int64_t length) {
  const auto keys = static_cast<int64_t>(scores.size());
  if (length <= 0) return Doubles(scores.size(), 1.0 / static_cast<double>(keys));
  Doubles weights(scores.size());
  const auto end = scores.begin() + std::min(length, keys);
  double max = -kInfinity, sum = 0;
  for (auto score = scores.begin(); score != end; ++score) max = std::max(max, *score);
  for (auto score = scores.begin(); score != end; ++score) sum += std::exp(*score - max);
  for (int64_t i = 0; i < end - scores.begin(); ++i) weights[i] = std::exp(scores[i] - max) / sum;
  return weights;
}

Doubles PlainAttention::slopes_of(const Doubles& weights, int64_t length, const Doubles& grad) {
  Doubles slopes(weights.size());
  const auto count =
      static_cast<size_t>(std::clamp(length, int64_t{0}, static_cast<int64_t>(weights.size())));
  double sum = 0;
  for (size_t i = 0; i < count; ++i) sum += weights[i] * grad[i];
  for (size_t i = 0; i < count; ++i) slopes[i] = weights[i] * (grad[i] - sum);
  return slopes;
}

void PlainAttention::masked_softmax(const ConstView& x, const ConstView& lengths,
                                    const View& y) const {
  const Doubles from = doubles(x);
  Doubles to;
  auto row = from.begin();
  for (int64_t i = 0; i < x.shape[0]; ++i)
    for (int64_t j = 0; j < x.shape[1]; ++j, row += x.shape[2]) {
      const Doubles scores(row, row + x.shape[2]);
      const Doubles weights = weights_of(scores, length_of(lengths, x.shape, i, j));
      to.insert(to.end(), weights.begin(), weights.end());
    }
  store(y, to);
}

void PlainAttention::masked_softmax_backward(const ConstView& y, const ConstView& lengths,
                                             const ConstView& grad_y, const View& grad_x) const {
  const Doubles from = doubles(y), grad = doubles(grad_y);
  Doubles to;
  int64_t at = 0;
  const int64_t columns = y.shape[2];
  for (int64_t i = 0; i < y.shape[0]; ++i)
    for (int64_t j = 0; j < y.shape[1]; ++j, at += columns) {
      const Doubles weights(from.begin() + at, from.begin() + at + columns);
      const Doubles slopes = slopes_of(weights, length_of(lengths, y.shape, i, j),
                                       {grad.begin() + at, grad.begin() + at + columns});
      to.insert(to.end(), slopes.begin(), slopes.end());
    }
  store(grad_x, to);
}

void PlainAttention::attention(const AttentionParams& params, const Backend::AttentionOperands& in,
                               View, const View& y) const {
  const int64_t width = in.values.shape[2] / params.heads;
  Doubles to;
  for_weights(params, in, [&](int64_t sample, int64_t, int64_t head, const Doubles& weights) {
    Doubles sum(static_cast<size_t>(width));
    for (size_t key = 0; key < weights.size(); ++key) {
      const Doubles value =
          head_row(in.values, sample, static_cast<int64_t>(key), head * width, width);
      for (size_t i = 0; i < sum.size(); ++i) sum[i] += weights[key] * value[i];
    }
    to.insert(to.end(), sum.begin(), sum.end());
  });
  store(y, to);
}

void PlainAttention::attention_backward(const AttentionParams& params,
                                        const Backend::AttentionOperands& in, const View&,
                                        const ConstView& grad_y,
                                        const Backend::AttentionGradients& gradients) const {
  const int64_t width = in.queries.shape[2] / params.heads;
  const int64_t value_width = in.values.shape[2] / params.heads;
  const Shape scores{in.queries.shape[0], in.queries.shape[1], in.keys.shape[1]};
  SummedGradient queries(gradients.queries), keys(gradients.keys), values(gradients.values);
  for_weights(params, in, [&](int64_t sample, int64_t query, int64_t head, const Doubles& weights) {
    const int64_t first = head * width, first_value = head * value_width;
    const Doubles grad = head_row(strided(grad_y), sample, query, first_value, value_width);
    const Doubles q = head_row(in.queries, sample, query, first, width);
    Doubles to_weights;
    for (int64_t key = 0; key < scores[2]; ++key) {
      to_weights.push_back(dot(grad, head_row(in.values, sample, key, first_value, value_width)));
      values.add(sample, key, first_value, weights[key], grad);
    }
    const Doubles slopes =
        slopes_of(weights, length_of(in.lengths, scores, sample, query), to_weights);
    for (int64_t key = 0; key < scores[2]; ++key) {
      const double slope = slopes[key] / std::sqrt(static_cast<double>(width));
      queries.add(sample, query, first, slope, head_row(in.keys, sample, key, first, width));
      keys.add(sample, key, first, slope, q);
    }
  });
}

}  // namespace d2l::test
