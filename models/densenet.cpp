#include "framework/autograd/arrange.h"
#include "models/builders.h"

// Huang et al., "Densely connected convolutional networks", 2016, as in chapter 7.7.

namespace d2l::models {
namespace {

constexpr nn::BatchNorm::Options kNormRelu{.activation = Activation::relu};

// Batch norm, ReLU, convolution.
struct Layer final : nn::Sequential {
  Layer(int64_t in, int64_t out, const nn::Conv2d::Options& options) {
    then_named<nn::BatchNorm>("bn", in, kNormRelu).then_named<nn::Conv2d>("conv", in, out, options);
  }
};

// Each layer gets the block's input and the outputs of all previous layers, concatenated; so is the
// block's result.
class DenseBlock final : public nn::Module {
 public:
  DenseBlock(int layers, int64_t in, int64_t growth, const nn::LayerInit& init) {
    for (int i = 0; i < layers; ++i)
      add<Layer>(std::to_string(i), in + i * growth, growth,
                 nn::Conv2d::Options{.padding = 1, .init = init});
  }

  Variable forward(const Variable& x, const nn::Context& context) override {
    Variable all = x;
    for (const NamedModule& layer : children())
      all = concat({all, (*layer.module)(all, context)}, 3);
    return all;
  }
};

}  // namespace

std::unique_ptr<nn::Module> densenet(const ModelOptions& options) {
  constexpr int kBlocks = 4, kLayers = 4;
  check_sides("densenet", options, 29);
  const nn::LayerInit init = layer_init(options);
  const int64_t growth = scaled_channels(options, 32);
  int64_t channels = scaled_channels(options, 64);
  auto net = std::make_unique<nn::Sequential>();
  net->then_named<nn::Conv2d>(
         "conv1", options.input[2], channels,
         nn::Conv2d::Options{.kernel = 7, .stride = 2, .padding = 3, .init = init})
      .then_named<nn::BatchNorm>("bn1", channels, kNormRelu)
      .then<nn::Pool2d>(Pooling::max, 3, 2, 1);
  for (int block = 1; block <= kBlocks; ++block) {
    net->then_named<DenseBlock>(concat("block", block), kLayers, channels, growth, init);
    channels += kLayers * growth;
    if (block == kBlocks) break;
    const Pool2dParams halve{.kind = Pooling::average};
    net->then_named<Layer>(concat("transition", block), channels, channels / 2,
                           nn::Conv2d::Options{.kernel = 1, .pool = halve, .init = init});
    channels /= 2;
  }
  net->then_named<nn::BatchNorm>("bn2", channels, kNormRelu)
      .then<nn::GlobalAveragePool>()
      .then_named<nn::Linear>("fc", channels, options.classes, Activation::none, init);
  return net;
}

}  // namespace d2l::models
