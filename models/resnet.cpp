#include <array>

#include "models/builders.h"
#include "models/residual.h"

// Residual networks: the book's (chapter 7.6), He's for images of 32 x 32, and the standard ones
// with torchvision's structure ("v1.5") and names.

namespace d2l::models {
namespace {

constexpr nn::BatchNorm::Options kRelu{.activation = Activation::relu};
constexpr int kStages = 4;

// A sequence of blocks; the first may change the size. `channels`: of the blocks' 3 x 3
// convolutions.
template <class Block>
struct Stage final : nn::Sequential {
  Stage(int blocks, int64_t in, int64_t channels, const BlockOptions& first) {
    then<Block>(in, channels, first);
    const BlockOptions rest{.bias = first.bias, .init = first.init};
    for (int i = 1; i < blocks; ++i) then<Block>(channels * Block::kExpansion, channels, rest);
  }
};

nn::Conv2d::Options stem(bool bias, const nn::LayerInit& init) {
  return {.kernel = 7, .stride = 2, .padding = 3, .bias = bias, .init = init};
}

template <class Block>
std::unique_ptr<nn::Module> standard_resnet(const ModelOptions& options,
                                            const std::array<int, kStages>& blocks) {
  const nn::LayerInit init = kaiming_init(options);
  auto net = std::make_unique<nn::Sequential>();
  net->then_named<nn::Conv2d>("conv1", options.input[2], 64, stem(false, init))
      .then_named<nn::BatchNorm>("bn1", 64, kRelu)
      .then_named<nn::Pool2d>("maxpool", Pooling::max, 3, 2, 1);
  int64_t in = 64;
  for (int stage = 0; stage < kStages; ++stage) {
    const int64_t channels = 64 << stage, out = channels * Block::kExpansion;
    BlockOptions first{.stride = stage == 0 ? 1 : 2, .init = init};
    if (in != out || first.stride != 1)
      first.shortcut = std::make_shared<Projection>(in, out, first.stride, init);
    first.shortcut_name = "downsample";
    net->then_named<Stage<Block>>(concat("layer", stage + 1), blocks[stage], in, channels, first);
    in = out;
  }
  net->then<nn::GlobalAveragePool>().then_named<nn::Linear>(
      "fc", in, options.classes, Activation::none,
      layer_init(options, {.weight = nn::fan_in_uniform(), .bias = {}}));
  return net;
}

}  // namespace

// Unlike the standard network, its convolutions have biases and its shortcuts no normalisation.
std::unique_ptr<nn::Module> resnet18(const ModelOptions& options) {
  const nn::LayerInit init = layer_init(options);
  int64_t in = scaled_channels(options, 64);
  auto net = std::make_unique<nn::Sequential>();
  net->then_named<nn::Conv2d>("conv1", options.input[2], in, stem(true, init))
      .then_named<nn::BatchNorm>("bn1", in, kRelu)
      .then_named<nn::Pool2d>("maxpool", Pooling::max, 3, 2, 1);
  for (int stage = 0; stage < kStages; ++stage) {
    const int64_t out = scaled_channels(options, 64 << stage);
    BlockOptions first{.stride = stage == 0 ? 1 : 2, .bias = true, .init = init};
    if (stage > 0)
      first.shortcut = std::make_shared<nn::Conv2d>(
          in, out, nn::Conv2d::Options{.kernel = 1, .stride = 2, .init = init});
    net->then_named<Stage<BasicBlock>>(concat("layer", stage + 1), 2, in, out, first);
    in = out;
  }
  net->then<nn::GlobalAveragePool>().then_named<nn::Linear>("fc", in, options.classes,
                                                            Activation::none, init);
  return net;
}

std::unique_ptr<nn::Module> small_resnet(const ModelOptions& options, int depth) {
  check(depth >= 8 && depth % 6 == 2, "resnet: expected a depth of 6 n + 2, found ", depth);
  const nn::LayerInit init = kaiming_init(options);
  int64_t in = scaled_channels(options, 16);
  auto net = std::make_unique<nn::Sequential>();
  net->then_named<nn::Conv2d>("conv1", options.input[2], in,
                              nn::Conv2d::Options{.padding = 1, .bias = false, .init = init})
      .then_named<nn::BatchNorm>("bn1", in, kRelu);
  for (int stage = 0; stage < 3; ++stage) {
    const int64_t out = scaled_channels(options, 16 << stage);
    BlockOptions first{.stride = stage == 0 ? 1 : 2, .init = init};
    if (stage > 0) first.shortcut = std::make_shared<PaddedSubsample>(in, out, 2);
    net->then_named<Stage<BasicBlock>>(concat("layer", stage + 1), (depth - 2) / 6, in, out, first);
    in = out;
  }
  net->then<nn::GlobalAveragePool>().then_named<nn::Linear>(
      "linear", in, options.classes, Activation::none,
      layer_init(options, {.weight = nn::fan_in_uniform(), .bias = {}}));
  return net;
}

std::unique_ptr<nn::Module> tv_resnet(const ModelOptions& options, int depth) {
  switch (depth) {
    case 18:
      return standard_resnet<BasicBlock>(options, {2, 2, 2, 2});
    case 34:
      return standard_resnet<BasicBlock>(options, {3, 4, 6, 3});
    case 50:
      return standard_resnet<Bottleneck>(options, {3, 4, 6, 3});
    case 101:
      return standard_resnet<Bottleneck>(options, {3, 4, 23, 3});
    case 152:
      return standard_resnet<Bottleneck>(options, {3, 8, 36, 3});
    default:
      fail("resnet: expected a depth of 18, 34, 50, 101 or 152, found ", depth);
  }
}

}  // namespace d2l::models
