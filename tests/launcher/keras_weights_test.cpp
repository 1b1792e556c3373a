#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "framework/tensor/create.h"
#include "launcher/network_arrays.h"
#include "launcher/start_weights.h"
#include "models/zoo.h"
#include "tests/launcher/runs.h"
#include "tests/support/support.h"
#include "tests/weights/keras_support.h"

// --weights with files of Keras

namespace d2l::launcher::test {
namespace {

namespace fs = std::filesystem;
using namespace d2l::test;
using testing::HasSubstr;
using weights::test::KerasLayer;
using weights::test::KerasValue;
using weights::test::KerasWriter;

// An image, row-major: [height, width, channels].
struct Image {
  int64_t height, width, channels;
  std::vector<float> values;
};

// What Keras computes with its arrays: a convolution [height, width, in, out] and its sigmoid.
Image convolve(const Image& x, const KerasValue& kernel, const KerasValue& bias, int64_t padding) {
  const auto size = static_cast<int64_t>(kernel.sizes[0]),
             out = static_cast<int64_t>(kernel.sizes[3]);
  Image y{x.height + 2 * padding - size + 1, x.width + 2 * padding - size + 1, out, {}};
  for (int64_t h = 0; h < y.height; ++h)
    for (int64_t w = 0; w < y.width; ++w)
      for (int64_t o = 0; o < out; ++o) {
        double sum = bias.values[static_cast<size_t>(o)];
        for (int64_t k = 0; k < size * size * x.channels; ++k) {
          const int64_t row = h - padding + k / (size * x.channels);
          const int64_t column = w - padding + k / x.channels % size;
          if (row < 0 || row >= x.height || column < 0 || column >= x.width) continue;
          const int64_t at = (row * x.width + column) * x.channels + k % x.channels;
          sum +=
              x.values[static_cast<size_t>(at)] * kernel.values[static_cast<size_t>(k * out + o)];
        }
        y.values.push_back(static_cast<float>(1 / (1 + std::exp(-sum))));
      }
  return y;
}

// Averages of 2 x 2 pixels.
Image pooled(const Image& x) {
  Image y{x.height / 2, x.width / 2, x.channels, {}};
  for (int64_t h = 0; h < y.height; ++h)
    for (int64_t w = 0; w < y.width; ++w)
      for (int64_t c = 0; c < x.channels; ++c) {
        float sum = 0;
        for (int64_t k = 0; k < 4; ++k) {
          const int64_t at = ((2 * h + k / 2) * x.width + 2 * w + k % 2) * x.channels + c;
          sum += x.values[static_cast<size_t>(at)];
        }
        y.values.push_back(sum / 4);
      }
  return y;
}

// A dense layer [in, out].
std::vector<float> multiply(const std::vector<float>& x, const KerasValue& kernel,
                            const KerasValue& bias) {
  std::vector<float> y;
  const size_t out = bias.values.size();
  for (size_t o = 0; o < out; ++o) {
    double sum = bias.values[o];
    for (size_t i = 0; i < x.size(); ++i) sum += x[i] * kernel.values[i * out + o];
    y.push_back(static_cast<float>(sum));
  }
  return y;
}

std::vector<float> sigmoid(std::vector<float> x) {
  for (float& value : x) value = 1 / (1 + std::exp(-value));
  return x;
}

std::vector<float> noise(size_t count, float scale) {
  static uint32_t state = 1;
  std::vector<float> values;
  for (size_t i = 0; i < count; ++i) {
    state = state * 1664525 + 1013904223;
    values.push_back((static_cast<float>(state >> 8) / 0x1p24F - 0.5F) * scale);
  }
  return values;
}

KerasLayer layer(const std::string& name, const std::vector<hsize_t>& sizes) {
  size_t count = 1;
  for (const hsize_t size : sizes) count *= size;
  const hsize_t inputs = count / sizes.back();
  return {name,
          {{name + "/kernel:0", sizes, noise(count, 8 / std::sqrt(static_cast<float>(inputs)))},
           {name + "/bias:0", {sizes.back()}, noise(sizes.back(), 1)}}};
}

constexpr int64_t kSide = 16;

// LeNet for images of 16 x 16, which the convolutions and poolings make to 2 x 2 x 16.
std::vector<KerasLayer> lenet_layers() {
  return {layer("conv2d", {5, 5, 1, 6}),
          {"average_pooling2d"},
          layer("conv2d_1", {5, 5, 6, 16}),
          {"average_pooling2d_1"},
          {"flatten"},
          layer("dense", {64, 120}),
          layer("dense_1", {120, 84}),
          layer("dense_2", {84, 10})};
}

std::vector<float> lenet_outputs(const std::vector<KerasLayer>& layers,
                                 const std::vector<float>& pixels) {
  Image x{kSide, kSide, 1, pixels};
  x = pooled(convolve(x, layers[0].values[0], layers[0].values[1], 2));
  x = pooled(convolve(x, layers[2].values[0], layers[2].values[1], 0));
  std::vector<float> y = sigmoid(multiply(x.values, layers[5].values[0], layers[5].values[1]));
  y = sigmoid(multiply(y, layers[6].values[0], layers[6].values[1]));
  return multiply(y, layers[7].values[0], layers[7].values[1]);
}

class KerasWeights : public testing::Test {
 protected:
  void write(const std::vector<KerasLayer>& layers) const {
    const KerasWriter writer(path_);
    const auto model = writer.group(writer.root(), "model_weights");
    writer.layers(model.id(), layers);
  }
  std::string refusal(const std::string& model, const Shape& input) const {
    const auto module = models::build_model(model, {.input = input});
    nn::ParameterSet parameters(*module, cpu(), 1);
    return message_of([&] { load_start_weights({.file = path_, .model = model}, parameters); });
  }

  TemporaryFolder folder_;
  const fs::path path_ = folder_.path() / "model.h5";
};

TEST_F(KerasWeights, GiveTheOutputsOfKeras) {
  const std::vector<KerasLayer> layers = lenet_layers();
  write(layers);
  const auto module = models::build_model("lenet", {.input = {kSide, kSide, 1}});
  nn::ParameterSet parameters(*module, cpu(), 1);
  EXPECT_THAT(
      load_start_weights({.file = path_, .model = "lenet", .input = {kSide, kSide, 1}}, parameters),
      HasSubstr("model.h5 (Keras)\n  loaded     10: of the 10 arrays of lenet\n"));
  const std::vector<float> pixels = noise(kSide * kSide, 4);
  const std::vector<float> expected = lenet_outputs(layers, pixels);
  const NoGrad no_grad;
  const Tensor input = from_vector(cpu(), Shape{1, kSide, kSide, 1}, pixels);
  const std::vector<float> outputs = (*module)(Variable(input), {}).value().to_vector<float>();
  ASSERT_EQ(outputs.size(), expected.size());
  float largest = 0;
  for (size_t i = 0; i < outputs.size(); ++i) {
    EXPECT_NEAR(outputs[i], expected[i], 1e-4F) << i;
    largest = std::max(largest, std::abs(expected[i]));
  }
  EXPECT_GT(largest, 0.5F);
}

TEST_F(KerasWeights, OfAnotherNetworkAreRefused) {
  std::vector<KerasLayer> layers = lenet_layers();
  layers[5] = layer("dense", {400, 120});  // for images of 28 x 28
  write(layers);
  EXPECT_THAT(refusal("resnet20", {32, 32, 3}),
              HasSubstr("model.h5: cannot be the weights of resnet20: Keras' layers are matched by "
                        "their order, and that of 'layer1.0.conv1.weight', in a block with several "
                        "layers, is not known; the file fits --model lenet"));
  EXPECT_THAT(
      refusal("mlp", {28, 28, 1}),
      HasSubstr("cannot be the weights of mlp: expected 0 convolutions, as the network has, "
                "found 2; the file fits --model lenet"));
  EXPECT_THAT(refusal("lenet", {kSide, kSide, 1}),
              HasSubstr("expected the weights of lenet, found 1 of 10 arrays that do not match: "
                        "fc1.weight [64, 120] (in the file [400, 120])"));
}

// The networks whose layers form a chain, so that their order is that of Keras.
TEST(NetworkArrays, AreNotInBlocksIfTheNetworkIsAChain) {
  const std::unique_ptr<Backend> dry = make_dry_backend();
  std::vector<std::string> chains;
  for (const std::string& name : models::model_names()) {
    const auto module = models::build_model(name, models::usual_options(name));
    const nn::ParameterSet parameters(*module, *dry, std::nullopt);
    const auto arrays = network_arrays(parameters, models::usual_options(name).input);
    if (std::none_of(arrays.begin(), arrays.end(),
                     [](const auto& array) { return array.in_block; }))
      chains.push_back(name);
  }
  EXPECT_THAT(chains,
              testing::ElementsAre("linear", "softmax-regression", "mlp", "dropout-mlp", "lenet",
                                   "bn-lenet", "alexnet", "vgg11", "vgg13", "vgg16", "vgg19",
                                   "vgg11-bn", "vgg13-bn", "vgg16-bn", "vgg19-bn", "nin",
                                   "tv-alexnet", "tv-vgg11", "tv-vgg13", "tv-vgg16", "tv-vgg19",
                                   "tv-vgg11-bn", "tv-vgg13-bn", "tv-vgg16-bn", "tv-vgg19-bn"));
}

}  // namespace
}  // namespace d2l::launcher::test
