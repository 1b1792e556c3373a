#include "framework/backend/cpu/convolution/choice.h"
#include "framework/backend/cpu/lanes.h"
#include "tests/backend/bf16_ways.h"
#include "tests/backend/naive.h"

// Which kernel computes which convolution of the zoo's usual networks. These choices were measured,
// and another kernel gives other bits.

namespace d2l::test {
namespace {

using cpu::Bf16Products;
using cpu::ForcedBf16Products;
using cpu::ForcedConvolutionKernel;
using naive::Array;

constexpr Activation kRelu = Activation::relu, kSigmoid = Activation::sigmoid;

constexpr const char* kNotAsked = nullptr;  // of a first layer
constexpr const char* kPixels = "few_channels/pixels";
constexpr const char* kChannels = "few_channels/channels";
constexpr const char* kTaps = "few_channels/taps";
constexpr const char* kWinograd = "winograd";
constexpr const char* kFirstLayer = "bf16_pairs/first_layer";
constexpr const char* kSmallImages = "bf16_pairs/small_images";
constexpr const char* kPairs = "bf16_pairs/weight_gradient";
constexpr const char* kPointwise = "dnnl/pointwise";
constexpr const char* kDnnl = "dnnl";
constexpr const char* kAmx = "dnnl (AMX)";

struct Kernels {
  const char *forward, *backward_input, *backward_weight;
};

struct Layer {
  const char* network;
  int64_t size, in, out, kernel, stride, padding;
  Activation activation = Activation::none;

  ConvolutionShape shape(DType dtype) const {
    constexpr int64_t kImages = 64;
    const int64_t out_size = naive::out_size(size, kernel, stride, padding);
    return {{{stride, stride}, {padding, padding}, activation},
            ConstView(nullptr, dtype, {kImages, size, size, in}),
            {out, kernel, kernel, in},
            {kImages, out_size, out_size, out}};
  }
};

// Layers with the same choice: in f32, in bf16 multiplied in pairs, and in AMX tiles.
struct Group {
  Kernels f32, pairs, tiles;
  std::vector<Layer> layers;
};

const std::vector<Group> kGroups = {
    {{kChannels, kTaps, kChannels},
     {kChannels, kTaps, kChannels},
     {kChannels, kTaps, kChannels},
     {{"lenet", 14, 6, 16, 5, 1, 0, kSigmoid}}},
    {{kPixels, kNotAsked, kPixels},
     {kPixels, kNotAsked, kPixels},
     {kPixels, kNotAsked, kPixels},
     {{"bn-lenet", 28, 1, 6, 5, 1, 0}}},
    {{kDnnl, kDnnl, kChannels},
     {kDnnl, kDnnl, kChannels},
     {kAmx, kAmx, kChannels},
     {{"bn-lenet", 12, 6, 16, 5, 1, 0}}},
    {{kDnnl, kNotAsked, kChannels},
     {kFirstLayer, kNotAsked, kFirstLayer},
     {kAmx, kNotAsked, kFirstLayer},
     {{"alexnet", 224, 1, 96, 11, 4, 1, kRelu},
      {"vgg11", 224, 1, 16, 3, 1, 1, kRelu},
      {"nin", 224, 1, 96, 11, 4, 0, kRelu},
      {"googlenet", 96, 1, 64, 7, 2, 3, kRelu},
      {"resnet18", 96, 1, 64, 7, 2, 3},
      {"resnet20", 32, 3, 16, 3, 1, 1}}},
    {{kWinograd, kWinograd, kWinograd},
     {kWinograd, kWinograd, kWinograd},
     {kAmx, kAmx, kPairs},
     {{"alexnet", 26, 96, 256, 5, 1, 2, kRelu},
      {"alexnet", 12, 256, 384, 3, 1, 1, kRelu},
      {"alexnet", 12, 384, 384, 3, 1, 1, kRelu},
      {"alexnet", 12, 384, 256, 3, 1, 1, kRelu},
      {"vgg11", 56, 64, 64, 3, 1, 1, kRelu},
      {"vgg11", 28, 64, 128, 3, 1, 1, kRelu},
      {"vgg11", 28, 128, 128, 3, 1, 1, kRelu},
      {"vgg11", 14, 128, 128, 3, 1, 1, kRelu},
      {"nin", 26, 96, 256, 5, 1, 2, kRelu},
      {"nin", 12, 256, 384, 3, 1, 1, kRelu},
      {"googlenet", 24, 64, 192, 3, 1, 1, kRelu},
      {"googlenet", 12, 96, 128, 3, 1, 1, kRelu},
      {"googlenet", 12, 128, 192, 3, 1, 1, kRelu},
      {"googlenet", 12, 32, 96, 5, 1, 2, kRelu},
      {"googlenet", 6, 96, 208, 3, 1, 1, kRelu},
      {"googlenet", 6, 112, 224, 3, 1, 1, kRelu},
      {"googlenet", 6, 128, 256, 3, 1, 1, kRelu},
      {"googlenet", 6, 144, 288, 3, 1, 1, kRelu},
      {"googlenet", 6, 160, 320, 3, 1, 1, kRelu},
      {"resnet18", 24, 64, 64, 3, 1, 1},
      {"resnet18", 12, 128, 128, 3, 1, 1},
      {"resnet18", 6, 256, 256, 3, 1, 1},
      {"resnet20", 8, 64, 64, 3, 1, 1}}},
    {{kWinograd, kWinograd, kWinograd},
     {kDnnl, kDnnl, kPairs},
     {kAmx, kAmx, kAmx},
     {{"vgg11", 112, 16, 32, 3, 1, 1, kRelu},
      {"vgg11", 56, 32, 64, 3, 1, 1, kRelu},
      {"resnet20", 32, 16, 16, 3, 1, 1},
      {"resnet20", 16, 32, 32, 3, 1, 1}}},
    {{kDnnl, kDnnl, kDnnl},
     {kDnnl, kDnnl, kPairs},
     {kAmx, kAmx, kPairs},
     {{"nin", 54, 96, 96, 1, 1, 0, kRelu},         {"nin", 26, 256, 256, 1, 1, 0, kRelu},
      {"nin", 12, 384, 384, 1, 1, 0, kRelu},       {"googlenet", 24, 64, 64, 1, 1, 0, kRelu},
      {"googlenet", 12, 192, 64, 1, 1, 0, kRelu},  {"googlenet", 12, 192, 96, 1, 1, 0, kRelu},
      {"googlenet", 12, 192, 16, 1, 1, 0, kRelu},  {"googlenet", 12, 192, 32, 1, 1, 0, kRelu},
      {"googlenet", 12, 256, 128, 1, 1, 0, kRelu}, {"googlenet", 12, 256, 32, 1, 1, 0, kRelu},
      {"googlenet", 12, 256, 64, 1, 1, 0, kRelu},  {"googlenet", 6, 480, 192, 1, 1, 0, kRelu},
      {"googlenet", 6, 480, 96, 1, 1, 0, kRelu},   {"googlenet", 6, 480, 16, 1, 1, 0, kRelu},
      {"googlenet", 6, 480, 64, 1, 1, 0, kRelu},   {"googlenet", 6, 512, 160, 1, 1, 0, kRelu},
      {"googlenet", 6, 512, 112, 1, 1, 0, kRelu},  {"googlenet", 6, 512, 64, 1, 1, 0, kRelu},
      {"googlenet", 6, 512, 128, 1, 1, 0, kRelu},  {"googlenet", 6, 512, 144, 1, 1, 0, kRelu},
      {"googlenet", 6, 512, 32, 1, 1, 0, kRelu},   {"googlenet", 6, 528, 256, 1, 1, 0, kRelu},
      {"googlenet", 6, 528, 160, 1, 1, 0, kRelu},  {"googlenet", 6, 528, 32, 1, 1, 0, kRelu},
      {"googlenet", 6, 528, 128, 1, 1, 0, kRelu},  {"googlenet", 3, 832, 256, 1, 1, 0, kRelu},
      {"googlenet", 3, 832, 160, 1, 1, 0, kRelu},  {"googlenet", 3, 832, 32, 1, 1, 0, kRelu},
      {"googlenet", 3, 832, 128, 1, 1, 0, kRelu},  {"googlenet", 3, 832, 384, 1, 1, 0, kRelu},
      {"googlenet", 3, 832, 192, 1, 1, 0, kRelu},  {"googlenet", 3, 832, 48, 1, 1, 0, kRelu},
      {"resnet18", 24, 64, 128, 1, 2, 0},          {"resnet18", 12, 128, 256, 1, 2, 0},
      {"resnet18", 6, 256, 512, 1, 2, 0}}},
    {{kDnnl, kDnnl, kDnnl},
     {kDnnl, kSmallImages, kDnnl},
     {kAmx, kAmx, kDnnl},
     {{"nin", 5, 384, 10, 3, 1, 1, kRelu}}},
    {{kDnnl, kDnnl, kDnnl},
     {kDnnl, kPointwise, kPointwise},
     {kAmx, kAmx, kPointwise},
     {{"nin", 5, 10, 10, 1, 1, 0, kRelu}, {"googlenet", 6, 512, 24, 1, 1, 0, kRelu}}},
    {{kWinograd, kWinograd, kWinograd},
     {kDnnl, kDnnl, kPairs},
     {kAmx, kAmx, kPairs},
     {{"googlenet", 12, 16, 32, 5, 1, 2, kRelu}, {"googlenet", 6, 16, 48, 5, 1, 2, kRelu}}},
    {{kDnnl, kDnnl, kDnnl},
     {kSmallImages, kDnnl, kDnnl},
     {kAmx, kAmx, kDnnl},
     {{"googlenet", 6, 24, 64, 5, 1, 2, kRelu}}},
    {{kWinograd, kWinograd, kWinograd},
     {kSmallImages, kSmallImages, kPairs},
     {kAmx, kAmx, kPairs},
     {{"googlenet", 6, 32, 64, 5, 1, 2, kRelu},
      {"googlenet", 6, 32, 128, 5, 1, 2, kRelu},
      {"googlenet", 3, 160, 320, 3, 1, 1, kRelu},
      {"googlenet", 3, 32, 128, 5, 1, 2, kRelu},
      {"googlenet", 3, 192, 384, 3, 1, 1, kRelu},
      {"resnet18", 3, 512, 512, 3, 1, 1}}},
    {{kWinograd, kWinograd, kWinograd},
     {kSmallImages, kDnnl, kPairs},
     {kAmx, kAmx, kPairs},
     {{"googlenet", 3, 48, 128, 5, 1, 2, kRelu}}},
    {{kDnnl, kDnnl, kDnnl},
     {kDnnl, kDnnl, kPairs},
     {kAmx, kDnnl, kPairs},
     {{"resnet18", 24, 64, 128, 3, 2, 1},
      {"resnet20", 32, 16, 32, 3, 2, 1},
      {"resnet20", 16, 32, 64, 3, 2, 1}}},
    {{kDnnl, kDnnl, kDnnl},
     {kSmallImages, kSmallImages, kPairs},
     {kAmx, kSmallImages, kPairs},
     {{"resnet18", 12, 128, 256, 3, 2, 1}, {"resnet18", 6, 256, 512, 3, 2, 1}}},
    {{kDnnl, kNotAsked, kChannels},
     {kDnnl, kNotAsked, kChannels},
     {kAmx, kNotAsked, kChannels},
     {{"vit-tiny", 28, 1, 64, 4, 4, 0}}},
};

// Calls body(expected kernel, chosen kernel) for all requested passes.
template <class Body>
void for_passes(const Layer& layer, DType dtype, const Kernels& expected, const Body& body) {
  SCOPED_TRACE(concat(layer.network, " ", layer.in, "->", layer.out, " ", layer.kernel, "x",
                      layer.kernel, " s", layer.stride, " on ", layer.size, "x", layer.size));
  for (const auto& [pass, name] :
       {std::pair(ConvolutionPass::forward, expected.forward),
        std::pair(ConvolutionPass::backward_input, expected.backward_input),
        std::pair(ConvolutionPass::backward_weight, expected.backward_weight)})
    if (name != kNotAsked)
      body(std::string(name), cpu::convolution_kernel(pass, layer.shape(dtype)));
}

void expect_kernels(Kernels Group::*expected, DType dtype) {
  for (const Group& group : kGroups)
    for (const Layer& layer : group.layers)
      for_passes(
          layer, dtype, group.*expected,
          [](const std::string& wanted, const std::string& found) { EXPECT_EQ(found, wanted); });
}

constexpr const char* kNeedsWideVectors = "without AVX-512 most of these kernels suit nothing";

TEST(ConvolutionChoice, InF32) {
  if (!cpu::has_wide_vectors()) GTEST_SKIP() << kNeedsWideVectors;
  expect_kernels(&Group::f32, DType::f32);
}

TEST(ConvolutionChoice, InF32WithoutAvx512) {
  if (cpu::has_wide_vectors()) GTEST_SKIP() << "this processor has AVX-512";
  for (const Group& group : kGroups)
    for (const Layer& layer : group.layers)
      for_passes(layer, DType::f32, group.f32,
                 [](const std::string&, const std::string& found) { EXPECT_EQ(found, kDnnl); });
}

// The choice itself needs neither the instruction for pairs nor AMX.
TEST(ConvolutionChoice, InBf16MultipliedInPairs) {
  if (!cpu::has_wide_vectors()) GTEST_SKIP() << kNeedsWideVectors;
  const ForcedBf16Products forced(Bf16Products::pairs);
  expect_kernels(&Group::pairs, DType::bf16);
}

TEST(ConvolutionChoice, InBf16MultipliedInTiles) {
  if (!cpu::has_wide_vectors()) GTEST_SKIP() << kNeedsWideVectors;
  const ForcedBf16Products forced(Bf16Products::tiles);
  expect_kernels(&Group::tiles, DType::bf16);
}

// d2l's kernels read bf16 directly, oneDNN gets f32 copies.
TEST(ConvolutionChoice, InBf16MultipliedAsF32) {
  if (!cpu::has_wide_vectors()) GTEST_SKIP() << kNeedsWideVectors;
  const ForcedBf16Products forced(Bf16Products::f32);
  for (const Group& group : kGroups)
    for (const Layer& layer : group.layers)
      for_passes(layer, DType::bf16, group.f32,
                 [](const std::string& in_f32, const std::string& found) {
                   EXPECT_EQ(found, in_f32 == kDnnl ? "dnnl on f32 copies" : in_f32);
                 });
}

TEST(ConvolutionChoice, PoolingAlongWithTheConvolution) {
  if (!cpu::has_wide_vectors()) GTEST_SKIP() << kNeedsWideVectors;
  const auto kernel = [](const Layer& layer, const Pool2dParams& pool, bool input_gradient) {
    const ConvolutionShape shape = layer.shape(DType::f32);
    const auto* found = cpu::pooled_convolution_kernel(shape, {shape.params, pool, input_gradient});
    return std::string(found != nullptr ? found->name : "one after the other");
  };
  const Layer first{"lenet", 28, 1, 6, 5, 1, 2, kSigmoid};
  const Layer second{"lenet", 14, 6, 16, 5, 1, 0, kSigmoid};
  const Pool2dParams average{.kind = Pooling::average};
  EXPECT_EQ(kernel(first, average, false), "few_channels/pixels_pool");
  EXPECT_EQ(kernel(first, average, true), "one after the other");
  EXPECT_EQ(kernel(first, {.kind = Pooling::max}, false), "one after the other");
  EXPECT_EQ(kernel(second, average, false), "one after the other");
}

// The named kernel runs; a kernel that does not support a convolution cannot be forced.
TEST(ConvolutionChoice, AnotherKernelThatSuitsCanBeForced) {
  if (!cpu::has_wide_vectors()) GTEST_SKIP() << kNeedsWideVectors;
  const Conv2dParams params{{1, 1}, {1, 1}};
  const std::unique_ptr<Backend> backend = make_cpu_backend(1);
  Array<float> x(*backend, {2, 12, 12, 32}), weight(*backend, {16, 3, 3, 32});
  Array<float> y(*backend, {2, 12, 12, 16});
  x.random(1), weight.random(2);
  const ConvolutionShape shape(params, x.view(), weight.view().shape, y.view().shape);
  EXPECT_EQ(cpu::convolution_kernels(ConvolutionPass::forward, shape),
            (std::vector<std::string>{kWinograd, kDnnl}));
  const auto run = [&] {
    backend->conv2d(params, {x.view(), weight.view(), {}}, y.view());
    return y.values();
  };
  const std::vector<float> usual = run();
  {
    const ForcedConvolutionKernel forced(kDnnl);
    EXPECT_EQ(cpu::convolution_kernel(ConvolutionPass::forward, shape), kDnnl);
    const std::vector<float> other = run();
    EXPECT_NE(other, usual);
    EXPECT_TRUE(naive::close(other, {usual.begin(), usual.end()}, 2e-4));
  }
  const ForcedConvolutionKernel forced(kPixels);
  EXPECT_EQ(cpu::convolution_kernel(ConvolutionPass::forward, shape), kWinograd);
  EXPECT_EQ(run(), usual);
}

}  // namespace
}  // namespace d2l::test
