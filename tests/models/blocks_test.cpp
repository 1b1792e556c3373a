#include <map>

#include "framework/autograd/arrange.h"
#include "framework/autograd/convolution.h"
#include "framework/autograd/elementwise.h"
#include "framework/tensor/create.h"
#include "models/average_pool.h"
#include "models/inception.h"
#include "models/residual.h"
#include "tests/models/models_support.h"

// Compares blocks with the same operations written out.
namespace d2l::models::test {
namespace {

const nn::LayerInit kInit{.weight = nn::normal(0, 0.3), .bias = nn::normal(0, 0.3)};

// A single block and its parameters by name.
struct Parts {
  explicit Parts(nn::Module& block) : set(block, device(), 3) {
    for (const auto& slot : set.slots()) {
      values[slot.name] = slot.parameter->variable;
      if (slot.name.find("bn") != std::string::npos || slot.shape.rank() == 1)
        values[slot.name].value().copy_from(uniform(device(), slot.shape, {.seed = 7}, 0.5, 1.5));
    }
  }
  Variable operator[](const std::string& name) const { return values.at(name); }

  Variable normalised(const std::string& bn, const Variable& x) const {
    const Shape channels{x.shape().size(-1)};
    BatchNormState state{zeros(device(), channels), ones(device(), channels), 0.1, true};
    return batch_norm({x, values.at(bn + ".weight"), values.at(bn + ".bias")}, state);
  }
  Variable convolved(const std::string& conv, const Variable& x, int64_t stride) const {
    const Variable weight = values.at(conv + ".weight");
    const int64_t padding = weight.shape()[1] / 2;
    const auto bias = values.find(conv + ".bias");
    return conv2d(x, weight, bias == values.end() ? Variable() : bias->second,
                  {.stride = {stride, stride}, .padding = {padding, padding}});
  }

  nn::ParameterSet set;
  std::map<std::string, Variable> values;
};

const nn::Context kTraining{.training = true};

Variable noise(const Shape& shape) {
  return Variable(uniform(device(), shape, {.seed = 5}, -1, 1));
}

TEST(Blocks, BasicBlock) {
  BasicBlock same(6, 6, {.bias = true, .init = kInit});
  Parts p(same);
  const Variable x = noise({2, 5, 7, 6});
  Variable y = relu(p.normalised("bn1", p.convolved("conv1", x, 1)));
  y = relu(p.normalised("bn2", p.convolved("conv2", y, 1)) + x);
  EXPECT_TRUE(close(same.forward(x, kTraining).value(), y.value(), 1e-4, 1e-5));
}

TEST(Blocks, BasicBlockWithProjection) {
  auto shortcut = std::make_shared<Projection>(6, 8, 2, kInit);
  BasicBlock block(
      6, 8, {.stride = 2, .init = kInit, .shortcut = shortcut, .shortcut_name = "downsample"});
  Parts p(block);
  const Variable x = noise({2, 5, 7, 6});
  Variable y = relu(p.normalised("bn1", p.convolved("conv1", x, 2)));
  const Variable around = p.normalised("downsample.1", p.convolved("downsample.0", x, 2));
  y = relu(p.normalised("bn2", p.convolved("conv2", y, 1)) + around);
  EXPECT_EQ(y.shape(), (Shape{2, 3, 4, 8}));
  EXPECT_TRUE(close(block.forward(x, kTraining).value(), y.value(), 1e-4, 1e-5));
}

// The stride is in the 3 x 3 convolution: the 1 x 1 convolution before it uses every pixel.
TEST(Blocks, Bottleneck) {
  auto shortcut = std::make_shared<Projection>(6, 16, 2, kInit);
  Bottleneck block(6, 4, {.stride = 2, .init = kInit, .shortcut = shortcut});
  Parts p(block);
  const Variable x = noise({2, 6, 4, 6});
  Variable y = relu(p.normalised("bn1", p.convolved("conv1", x, 1)));
  y = relu(p.normalised("bn2", p.convolved("conv2", y, 2)));
  const Variable around = p.normalised("shortcut.1", p.convolved("shortcut.0", x, 2));
  y = relu(p.normalised("bn3", p.convolved("conv3", y, 1)) + around);
  EXPECT_EQ(y.shape(), (Shape{2, 3, 2, 16}));
  EXPECT_TRUE(close(block.forward(x, kTraining).value(), y.value(), 1e-4, 1e-5));
}

TEST(Blocks, Inception) {
  const ConvMaker conv = [](int64_t in, int64_t out, int64_t kernel) {
    return std::make_shared<nn::Conv2d>(in, out,
                                        nn::Conv2d::Options{.kernel = kernel,
                                                            .padding = kernel / 2,
                                                            .activation = Activation::relu,
                                                            .init = kInit});
  };
  const Inception::Channels channels{2, 3, 4, 5, 6, 7};
  Inception block(8, channels, conv);
  Parts p(block);
  const Variable x = noise({2, 5, 6, 8});
  auto unit = [&](const std::string& name, const Variable& in) {
    return relu(p.convolved(name, in, 1));
  };
  const Variable pooled = pool2d(x, {.window = {3, 3}, .stride = {1, 1}, .padding = {1, 1}});
  const Variable y = concat({unit("branch1", x), unit("branch2.1", unit("branch2.0", x)),
                             unit("branch3.1", unit("branch3.0", x)), unit("branch4.1", pooled)},
                            3);
  EXPECT_EQ(y.shape(), (Shape{2, 5, 6, channels.out()}));
  EXPECT_TRUE(close(block.forward(x, kTraining).value(), y.value()));
  EXPECT_EQ(p["branch3.1.weight"].shape(), (Shape{6, 5, 5, 5}));
  EXPECT_EQ(p["branch2.1.weight"].shape(), (Shape{4, 3, 3, 3}));
}

TEST(Blocks, PaddedSubsample) {
  PaddedSubsample shortcut(3, 8, 2);
  Variable x(uniform(device(), {2, 5, 4, 3}, {.seed = 5}), true);
  Variable y = shortcut.forward(x, kTraining);
  ASSERT_EQ(y.shape(), (Shape{2, 3, 2, 8}));
  Tensor seed = uniform(device(), y.shape(), {.seed = 6});
  y.backward(seed);
  const std::vector<float> in = x.value().to_vector<float>(), out = y.value().to_vector<float>();
  const std::vector<float> grad = x.grad().to_vector<float>(), given = seed.to_vector<float>();
  for (int64_t n = 0; n < 2; ++n)
    for (int64_t row = 0; row < 5; ++row)
      for (int64_t column = 0; column < 4; ++column)
        for (int64_t c = 0; c < 3; ++c) {
          const int64_t from = ((n * 5 + row) * 4 + column) * 3 + c;
          const int64_t to = ((n * 3 + row / 2) * 2 + column / 2) * 8 + 2 + c;
          const bool taken = row % 2 == 0 && column % 2 == 0;
          if (taken) {
            EXPECT_EQ(out[to], in[from]);
          }
          EXPECT_EQ(grad[from], taken ? given[to] : 0);
        }
  for (int64_t i = 0; i < y.value().elements(); ++i)
    if (i % 8 < 2 || i % 8 >= 5) {
      EXPECT_EQ(out[i], 0);
    }
  EXPECT_EQ(shortcut.forward(noise({0, 5, 4, 3}), {}).shape(), (Shape{0, 3, 2, 8}));
  EXPECT_EQ(message_of([] { PaddedSubsample(8, 3, 2); }),
            "shortcut: expected at least 8 channels and a stride of at least 1, found 3 and 2");
}

TEST(Blocks, AverageToAGrid) {
  const Grid grid{"net", 2, [](int64_t side) { return side / 2; }};
  auto averaged = [&](const Shape& input, const Tensor& left) {
    nn::Sequential net;
    append_average_pool(grid, input, net);
    return net.forward(Variable(left), {}).value();
  };
  Tensor left = arange(device(), 8).reshape({1, 4, 2, 1});
  EXPECT_TRUE(close(averaged({8, 4, 3}, left), {1, 2, 5, 6}));
  EXPECT_TRUE(close(averaged({9, 5, 3}, left), {1, 2, 5, 6}));
  Tensor fits = arange(device(), 4).reshape({1, 2, 2, 1});
  EXPECT_TRUE(close(averaged({4, 5, 3}, fits), {0, 1, 2, 3}));
  EXPECT_EQ(message_of([&] {
              averaged({6, 4, 3}, left);
            }),
            "net: expected an input with sides of 4 to 5, 8 to 9 and so on, found [6, 4, 3]");
  EXPECT_THROW(averaged({4, 1, 3}, left), Error);
}

}  // namespace
}  // namespace d2l::models::test
