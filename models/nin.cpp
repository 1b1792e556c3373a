#include "models/builders.h"

// Lin et al., "Network in network", 2013, as in chapter 7.3.

namespace d2l::models {
namespace {

// A convolution and two 1 x 1 convolutions, each with ReLU, then an optional pooling.
struct Block final : nn::Sequential {
  Block(int64_t in, int64_t out, nn::Conv2d::Options first,
        const std::optional<Pool2dParams>& pool) {
    first.activation = Activation::relu;
    nn::Conv2d::Options pixel{.kernel = 1, .activation = Activation::relu, .init = first.init};
    then_named<nn::Conv2d>("conv1", in, out, first)
        .then_named<nn::Conv2d>("conv2", out, out, pixel);
    pixel.pool = pool;
    then_named<nn::Conv2d>("conv3", out, out, pixel);
  }
};

}  // namespace

std::unique_ptr<nn::Module> nin(const ModelOptions& options) {
  check_sides("nin", options, 67);
  const nn::LayerInit init = layer_init(options);
  const std::optional<Pool2dParams> pool = max_pool(3, 2), none;
  auto channels = [&](int64_t count) { return scaled_channels(options, count); };
  auto window = [&](int64_t kernel, int64_t stride, int64_t padding) {
    return nn::Conv2d::Options{
        .kernel = kernel, .stride = stride, .padding = padding, .init = init};
  };
  auto net = std::make_unique<nn::Sequential>();
  net->then_named<Block>("block1", options.input[2], channels(96), window(11, 4, 0), pool)
      .then_named<Block>("block2", channels(96), channels(256), window(5, 1, 2), pool)
      .then_named<Block>("block3", channels(256), channels(384), window(3, 1, 1), pool)
      .then_named<nn::Dropout>("dropout", 0.5)
      .then_named<Block>("block4", channels(384), options.classes, window(3, 1, 1), none)
      .then<nn::GlobalAveragePool>();
  return net;
}

}  // namespace d2l::models
