#include <optional>

#include "tests/backend/cuda/compare.h"

namespace d2l::test {
namespace {

using Ints = std::vector<int64_t>;

struct Case {
  int64_t batch, queries, keys, heads, width, value_width;  // widths are of one head
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

const std::vector<Case> kCases = {
    {1, 1, 1, 1, 1, 1},
    {2, 3, 5, 1, 2, 3},
    {2, 17, 17, 4, 16, 16},
    {1, 49, 49, 2, 24, 24},
    {2, 33, 40, 1, 32, 32},
    {1, 65, 70, 1, 64, 50},
    {1, 130, 20, 1, 16, 16},
    {1, 7, 100, 2, 5, 70},
    {1, 20, 35, 1, 128, 128},
    {0, 3, 5, 1, 2, 3},
    {2, 3, 10, 1, 2, 4, Ints{2, 6}},
    {3, 20, 33, 2, 16, 16, Ints{33, 0, 50}},
    {2, 3, 7, 2, 8, 9, Ints{1, 7, 0, 3, -4, 100}},
    {1, 70, 70, 1, 8, 8, Ints(70, 1)},
    {2, 70, 80, 1, 8, 8, Ints{3, 64}},
};

// Queries, keys, values, grad_y and, if there are any, lengths.
std::vector<Tensor> inputs_of(const Case& c, DType dtype = DType::f32) {
  std::vector<Tensor> inputs = {
      random_tensor(c.query_shape(), dtype), random_tensor(c.key_shape(), dtype),
      random_tensor(c.value_shape(), dtype), random_tensor(c.y_shape(), dtype)};
  if (c.lengths) {
    Tensor lengths(host(), c.lengths_shape(), DType::i64);
    std::copy(c.lengths->begin(), c.lengths->end(), lengths.data<int64_t>());
    inputs.push_back(lengths);
  }
  return inputs;
}

Backend::AttentionOperands operands(const std::vector<ConstView>& in) {
  return {strided(in[0]), strided(in[1]), strided(in[2]), in.size() > 4 ? in[4] : ConstView{}};
}

// Outputs: y and the gradients of queries, keys and values.
std::vector<Tensor> outputs_of(const Case& c, DType dtype = DType::f32) {
  return {unwritten(c.y_shape(), dtype), unwritten(c.query_shape(), dtype),
          unwritten(c.key_shape(), dtype), unwritten(c.value_shape(), dtype)};
}

void run(const Case& c, Backend& on, const std::vector<ConstView>& in,
         const std::vector<View>& out) {
  Tensor kept(on, {c.batch, c.heads, c.queries});
  on.attention(c.params(), operands(in), kept.view(), out[0]);
  on.attention_backward(c.params(), operands(in), kept.view(), in[3],
                        {strided(out[1]), strided(out[2]), strided(out[3])});
}

void expect_like_cpu(const Case& c) {
  EXPECT_TRUE(like_cpu({inputs_of(c), outputs_of(c)},
                       [&](Backend& on, const auto& in, const auto& out) { run(c, on, in, out); },
                       {1e-5, 1e-5}))
      << c.name();
}

TEST(CudaAttention, IsTheCpus) {
  for (const Case& c : kCases) expect_like_cpu(c);
}

TEST(CudaAttention, WideHeadsToo) { expect_like_cpu({2, 9, 11, 2, 130, 7, Ints{5, 0}}); }

// The CPU has no 16-bit attention: the same kernels on the same numbers in 32 bits are the judge.
TEST(CudaAttention, Of16Bits) {
  for (const auto& [i, half] :
       {std::pair(1, DType::bf16), std::pair(2, DType::bf16), std::pair(5, DType::bf16),
        std::pair(8, DType::bf16), std::pair(12, DType::bf16), std::pair(1, DType::f16),
        std::pair(5, DType::f16), std::pair(12, DType::f16)}) {
    const Case& c = kCases[static_cast<size_t>(i)];
    std::vector<std::vector<double>> found[2];
    const std::vector<Tensor> narrow = inputs_of(c, half);
    for (DType dtype : {DType::f32, half}) {
      std::vector<Tensor> inputs, outputs;
      for (const Tensor& tensor : narrow)
        inputs.push_back((tensor.dtype() == DType::i64 ? tensor : tensor.cast(dtype)).to(gpu()));
      for (const Tensor& tensor : outputs_of(c, dtype)) outputs.push_back(tensor.to(gpu()));
      std::vector<ConstView> in;
      std::vector<View> out;
      for (const Tensor& tensor : inputs) in.push_back(tensor.view());
      for (Tensor& tensor : outputs) out.push_back(tensor.view());
      run(c, gpu(), in, out);
      for (const Tensor& tensor : outputs)
        found[dtype == half].push_back(tensor.to_vector<double>());
    }
    for (size_t k = 0; k < found[0].size(); ++k)
      for (size_t j = 0; j < found[0][k].size(); ++j)
        ASSERT_NEAR(found[1][k][j], found[0][k][j], 1e-6 + std::abs(found[0][k][j]) / 256)
            << c.name() << ", output " << k << ", element " << j;
  }
}

TEST(CudaAttention, PartsOfWiderRows) {
  const int64_t batch = 2, n = 9, width = 12;
  const Shape shape{batch, n, width}, wide{batch, n, 3 * width};
  const AttentionParams params{.heads = 3};
  const auto part = [&](const auto& packed, int64_t index) {
    return StridedView{static_cast<float*>(const_cast<void*>(packed.data)) + index * width,
                       DType::f32, shape, contiguous_strides(wide)};
  };
  EXPECT_TRUE(
      like_cpu({{random_tensor(wide), random_tensor(shape)}, {unwritten(shape), unwritten(wide)}},
               [&](Backend& on, const auto& in, const auto& out) {
                 Tensor kept(on, {batch, params.heads, n});
                 const Backend::AttentionOperands operands{
                     part(in[0], 0), part(in[0], 1), part(in[0], 2), {}};
                 on.attention(params, operands, kept.view(), out[0]);
                 on.attention_backward(params, operands, kept.view(), in[1],
                                       {part(out[1], 0), part(out[1], 1), part(out[1], 2)});
               },
               {1e-5, 1e-5}));
}

TEST(CudaAttention, HugeScoresStayFinite) {
  const Case c{1, 2, 2, 1, 1, 1};
  std::vector<Tensor> inputs = inputs_of(c);
  for (size_t i : {0, 1}) {
    inputs[i].data<float>()[0] = 1e4f;
    inputs[i].data<float>()[1] = -1e4f;
  }
  EXPECT_TRUE(like_cpu({inputs, outputs_of(c)},
                       [&](Backend& on, const auto& in, const auto& out) { run(c, on, in, out); },
                       {1e-5, 1e-3}));
}

// Scores that grow along the keys, so that every sum is scaled down again and again.
TEST(CudaAttention, LargestScoresLast) {
  const Case c{1, 6, 90, 1, 4, 4};
  std::vector<Tensor> inputs = inputs_of(c);
  for (int64_t i = 0; i < inputs[0].elements(); ++i) inputs[0].data<float>()[i] = 1;
  for (int64_t i = 0; i < inputs[1].elements(); ++i)
    inputs[1].data<float>()[i] += static_cast<float>(i / 4);
  EXPECT_TRUE(like_cpu({inputs, outputs_of(c)},
                       [&](Backend& on, const auto& in, const auto& out) { run(c, on, in, out); },
                       {2e-5, 2e-5}));
}

TEST(CudaAttention, SameBitsInEveryRun) {
  const Case c{2, 33, 40, 2, 16, 16, Ints{40, 21}};
  std::vector<std::vector<float>> first;
  std::vector<Tensor> inputs;
  for (const Tensor& tensor : inputs_of(c)) inputs.push_back(tensor.to(gpu()));
  for (int turn = 0; turn < 2; ++turn) {
    std::vector<Tensor> outputs;
    for (const Tensor& tensor : outputs_of(c)) outputs.push_back(tensor.to(gpu()));
    std::vector<ConstView> in;
    std::vector<View> out;
    for (const Tensor& tensor : inputs) in.push_back(tensor.view());
    for (Tensor& tensor : outputs) out.push_back(tensor.view());
    run(c, gpu(), in, out);
    for (size_t k = 0; k < outputs.size(); ++k) {
      if (turn == 0) first.push_back(outputs[k].to_vector<float>());
      EXPECT_EQ(outputs[k].to_vector<float>(), first[k]);
    }
  }
}

}  // namespace
}  // namespace d2l::test
