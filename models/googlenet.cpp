#include <utility>

#include "models/builders.h"
#include "models/inception.h"

// GoogLeNet of Szegedy et al., 2014, without auxiliary classifiers: as in chapter 7.4, and with
// batch norm as in torchvision.

namespace d2l::models {
namespace {

struct NamedBlock {
  const char* name;
  Inception::Channels channels;
  bool pooled = false;  // a pooling follows
};

constexpr NamedBlock kBlocks[] = {{"inception3a", {64, 96, 128, 16, 32, 32}},
                                  {"inception3b", {128, 128, 192, 32, 96, 64}, true},
                                  {"inception4a", {192, 96, 208, 16, 48, 64}},
                                  {"inception4b", {160, 112, 224, 24, 64, 64}},
                                  {"inception4c", {128, 128, 256, 24, 64, 64}},
                                  {"inception4d", {112, 144, 288, 32, 64, 64}},
                                  {"inception4e", {256, 160, 320, 32, 128, 128}, true},
                                  {"inception5a", {256, 160, 320, 32, 128, 128}},
                                  {"inception5b", {384, 192, 384, 48, 128, 128}}};

Inception::Channels scaled_channels(const ModelOptions& options, const Inception::Channels& c) {
  auto count = [&](int64_t channels) { return models::scaled_channels(options, channels); };
  return {count(c.one),         count(c.before_three), count(c.three),
          count(c.before_five), count(c.five),         count(c.pooled)};
}

// Convolution without bias, batch norm, ReLU.
struct NormalisedConv final : nn::Sequential {
  NormalisedConv(int64_t in, int64_t out, const nn::Conv2d::Options& options) {
    then_named<nn::Conv2d>("conv", in, out, options)
        .then_named<nn::BatchNorm>(
            "bn", out, nn::BatchNorm::Options{.activation = Activation::relu, .epsilon = 1e-3});
  }
};

}  // namespace

std::unique_ptr<nn::Module> googlenet(const ModelOptions& options) {
  const nn::LayerInit init = layer_init(options);
  const Pool2dParams pool = max_pool(3, 2, 1);
  auto with_relu = [&](int64_t kernel, int64_t stride) {
    return nn::Conv2d::Options{.kernel = kernel,
                               .stride = stride,
                               .padding = kernel / 2,
                               .activation = Activation::relu,
                               .init = init};
  };
  auto pooled = [&](int64_t kernel, int64_t stride) {
    nn::Conv2d::Options layer = with_relu(kernel, stride);
    layer.pool = pool;
    return layer;
  };
  const ConvMaker conv = [&](int64_t in, int64_t out, int64_t kernel) {
    return std::make_shared<nn::Conv2d>(in, out, with_relu(kernel, 1));
  };
  const int64_t stem = models::scaled_channels(options, 64);
  int64_t in = models::scaled_channels(options, 192);
  auto net = std::make_unique<nn::Sequential>();
  net->then_named<nn::Conv2d>("conv1", options.input[2], stem, pooled(7, 2))
      .then_named<nn::Conv2d>("conv2", stem, stem, with_relu(1, 1))
      .then_named<nn::Conv2d>("conv3", stem, in, pooled(3, 1));
  for (const NamedBlock& block : kBlocks) {
    const Inception::Channels channels = scaled_channels(options, block.channels);
    net->then_named<Inception>(block.name, in, channels, conv);
    if (block.pooled) net->then<nn::Pool2d>(pool);
    in = channels.out();
  }
  net->then<nn::GlobalAveragePool>().then_named<nn::Linear>("fc", in, options.classes,
                                                            Activation::none, init);
  return net;
}

std::unique_ptr<nn::Module> tv_googlenet(const ModelOptions& options) {
  check_sides("tv-googlenet", options, 15);
  const nn::LayerInit init = kaiming_init(options);
  auto normalised = [&](int64_t kernel, int64_t stride) {
    return nn::Conv2d::Options{
        .kernel = kernel, .stride = stride, .padding = kernel / 2, .bias = false, .init = init};
  };
  const ConvMaker conv = [&](int64_t in, int64_t out, int64_t kernel) {
    return std::make_shared<NormalisedConv>(in, out, normalised(kernel, 1));
  };
  Pool2dParams pool = max_pool(3, 2), last_pool = max_pool(2, 2);
  pool.ceil = last_pool.ceil = true;
  auto net = std::make_unique<nn::Sequential>();
  net->then_named<NormalisedConv>("conv1", options.input[2], 64, normalised(7, 2))
      .then_named<nn::Pool2d>("maxpool1", pool)
      .then_named<NormalisedConv>("conv2", 64, 64, normalised(1, 1))
      .then_named<NormalisedConv>("conv3", 64, 192, normalised(3, 1))
      .then_named<nn::Pool2d>("maxpool2", pool);
  int64_t in = 192;
  for (const NamedBlock& block : kBlocks) {
    net->then_named<Inception>(block.name, in, block.channels, conv, 3);
    if (block.pooled) net->then<nn::Pool2d>(std::exchange(pool, last_pool));
    in = block.channels.out();
  }
  net->then<nn::GlobalAveragePool>()
      .then_named<nn::Dropout>("dropout", 0.2)
      .then_named<nn::Linear>("fc", in, options.classes, Activation::none,
                              layer_init(options, {.weight = nn::normal(0, 0.01), .bias = {}}));
  return net;
}

}  // namespace d2l::models
