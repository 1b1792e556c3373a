#include <optional>

#include "tests/backend/cases/plain_attention.h"

namespace d2l::test {
namespace {

using Ints = std::vector<int64_t>;

struct AttentionShapes {
  int64_t batch, queries, keys, heads, width, value_width;  // widths: per head
  std::optional<Ints> lengths = {};

  Shape query_shape() const { return {batch, queries, heads * width}; }
  Shape key_shape() const { return {batch, keys, heads * width}; }
  Shape value_shape() const { return {batch, keys, heads * value_width}; }
  Shape y_shape() const { return {batch, queries, heads * value_width}; }
  AttentionParams params() const { return {heads}; }
  Shape lengths_shape() const {
    return static_cast<int64_t>(lengths->size()) == batch ? Shape{batch} : Shape{batch, queries};
  }
  std::string name() const {
    return concat(batch, " samples, ", queries, " x ", keys, ", ", heads, " heads of ", width,
                  " and ", value_width, lengths ? ", with lengths" : "");
  }
};

const std::vector<AttentionShapes> kCases = {
    {1, 1, 1, 1, 1, 1},
    {2, 3, 5, 1, 2, 3},
    {2, 17, 17, 4, 16, 16},
    {2, 9, 9, 3, 4, 4},
    {1, 49, 49, 2, 24, 24},
    {2, 33, 40, 1, 32, 32},
    {2, 64, 64, 2, 32, 32},
    {1, 65, 70, 1, 64, 50},
    {1, 65, 130, 1, 64, 50},
    {1, 130, 20, 1, 16, 16},
    {1, 256, 256, 1, 16, 16},
    {1, 7, 100, 2, 5, 70},
    {1, 7, 300, 3, 5, 70},
    {1, 20, 35, 1, 128, 128},
    {0, 3, 5, 1, 2, 3},
    {2, 9, 11, 2, 130, 7, Ints{5, 0}},
    {2, 3, 10, 1, 2, 4, Ints{2, 6}},
    {3, 20, 33, 2, 16, 16, Ints{33, 0, 50}},
    {2, 3, 7, 2, 8, 9, Ints{1, 7, 0, 3, -4, 100}},
    {1, 70, 70, 1, 8, 8, Ints(70, 1)},
    {2, 70, 80, 1, 8, 8, Ints{3, 64}},
};

// Inputs: queries, keys, values, grad_y, memory for the backend's saved data, optional lengths.
// Outputs: y and the gradients of the first three.
Arguments arguments_of(const AttentionShapes& c, DType dtype = DType::f32) {
  Arguments all{{random_tensor(c.query_shape(), dtype), random_tensor(c.key_shape(), dtype),
                 random_tensor(c.value_shape(), dtype), random_tensor(c.y_shape(), dtype),
                 unwritten({c.batch, c.heads, c.queries})},
                {unwritten(c.y_shape(), dtype), unwritten(c.query_shape(), dtype),
                 unwritten(c.key_shape(), dtype), unwritten(c.value_shape(), dtype)}};
  if (c.lengths) all.inputs.push_back(from_vector(host(), c.lengths_shape(), *c.lengths));
  return all;
}

// Forward and backward, with a Backend or with loops.
auto call_for(const AttentionShapes& c) {
  return [&c](auto& on, const Inputs& in, const Outputs& out) {
    const Backend::AttentionOperands operands{strided(in[0]), strided(in[1]), strided(in[2]),
                                              in.size() > 5 ? in[5] : ConstView{}};
    on.attention(c.params(), operands, writable(in[4]), out[0]);
    on.attention_backward(
        c.params(), operands, writable(in[4]), in[3],
        Backend::AttentionGradients{strided(out[1]), strided(out[2]), strided(out[3])});
  };
}

TEST(Attention, ValuesAndGradients) {
  for (const AttentionShapes& c : kCases)
    EXPECT_TRUE(agree<PlainAttention>(arguments_of(c), call_for(c), tolerances::kAttention))
        << c.name();
}

TEST(Attention, IsItsComposition) {
  for (const AttentionShapes& c : kCases)
    EXPECT_TRUE((composition_agrees<PlainAttention, ComposedAttention>(arguments_of(c), call_for(c),
                                                                       tolerances::kAttention)))
        << c.name();
}

TEST(Attention, Of16Bits) {
  for (DType dtype : floats())
    for (size_t i : {1, 2, 7, 13, 16, 18, 20})
      EXPECT_TRUE(agree<PlainAttention>(arguments_of(kCases[i], dtype), call_for(kCases[i]),
                                        tolerances::kAttention))
          << kCases[i].name() << " " << to_string(dtype);
}

TEST(Attention, PartsOfWiderRows) {
  const int64_t batch = 2, n = 9, width = 12;
  const Shape shape{batch, n, width}, wide{batch, n, 3 * width};
  const AttentionParams params{.heads = 3};
  const auto part_of = [&](const View& packed, int64_t index) {
    return StridedView{packed.as<float>() + index * width, DType::f32, shape,
                       contiguous_strides(wide)};
  };
  const Arguments arguments{
      {random_tensor(wide), random_tensor(shape), unwritten({batch, params.heads, n})},
      {unwritten(shape), unwritten(wide)}};
  const auto call = [&](auto& on, const Inputs& in, const Outputs& out) {
    const View packed = writable(in[0]), kept = writable(in[2]);
    const Backend::AttentionOperands operands{
        part_of(packed, 0), part_of(packed, 1), part_of(packed, 2), {}};
    on.attention(params, operands, kept, out[0]);
    on.attention_backward(
        params, operands, kept, in[1],
        Backend::AttentionGradients{part_of(out[1], 0), part_of(out[1], 1), part_of(out[1], 2)});
  };
  EXPECT_TRUE(agree<PlainAttention>(arguments, call, tolerances::kAttention));
  EXPECT_TRUE((composition_agrees<PlainAttention, ComposedAttention>(arguments, call,
                                                                     tolerances::kAttention)));
}

TEST(Attention, HugeScoresStayFinite) {
  const AttentionShapes c{1, 2, 2, 1, 1, 1};
  Arguments arguments = arguments_of(c);
  for (size_t i : {0, 1}) {
    arguments.inputs[i].data<float>()[0] = 1e4f;
    arguments.inputs[i].data<float>()[1] = -1e4f;
  }
  EXPECT_TRUE(agree<PlainAttention>(arguments, call_for(c), tolerances::kAttention.scaled(100)));
}

// Scores that grow along the keys, so that running sums are rescaled repeatedly.
TEST(Attention, LargestScoresLast) {
  const AttentionShapes c{1, 6, 90, 1, 4, 4};
  Arguments arguments = arguments_of(c);
  arguments.inputs[0] = ones(host(), c.query_shape());
  for (int64_t i = 0; i < arguments.inputs[1].elements(); ++i)
    arguments.inputs[1].data<float>()[i] += static_cast<float>(i / 4);
  EXPECT_TRUE(agree<PlainAttention>(arguments, call_for(c), tolerances::kAttentionOfLargeScores));
}

TEST(Attention, RepeatsItsBits) {
  const AttentionShapes c{2, 33, 40, 2, 16, 16, Ints{40, 21}};
  const auto call = call_for(c);
  EXPECT_TRUE(repeats(arguments_of(c), [&](Backend& on, const Inputs& in, const Outputs& out) {
    call(on, in, out);
  }));
}

}  // namespace
}  // namespace d2l::test
