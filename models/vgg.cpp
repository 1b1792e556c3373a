#include <array>

#include "models/average_pool.h"
#include "models/builders.h"

// Simonyan and Zisserman, "Very deep convolutional networks for large-scale image recognition",
// 2014, as in chapter 7.2 and, with the same names, as in torchvision.

namespace d2l::models {
namespace {

constexpr int kBlocks = 5;
constexpr int64_t kGrid = 7;

enum class Normalised { no, yes };

// The number of convolutions in each block.
std::array<int, kBlocks> blocks_of(int depth) {
  switch (depth) {
    case 11:
      return {1, 1, 2, 2, 2};
    case 13:
      return {2, 2, 2, 2, 2};
    case 16:
      return {2, 2, 3, 3, 3};
    case 19:
      return {2, 2, 4, 4, 4};
    default:
      fail("vgg: expected a depth of 11, 13, 16 or 19, found ", depth);
  }
}

int64_t channels_of(int block) { return std::min<int64_t>(64 << block, 512); }

// Numbered as in torchvision, with activations and poolings as separate layers.
struct Features final : nn::Sequential {
  Features(const ModelOptions& options, int depth, Normalised normalised,
           const nn::LayerInit& init) {
    const std::array<int, kBlocks> blocks = blocks_of(depth);
    int64_t in = options.input[2];
    int number = 0;
    for (int block = 0; block < kBlocks; ++block) {
      const int64_t out = scaled_channels(options, channels_of(block));
      for (int left = blocks[block]; left > 0; --left, in = out) {
        nn::Conv2d::Options layer{.padding = 1, .init = init};
        if (normalised == Normalised::no) {
          layer.activation = Activation::relu;
          if (left == 1) layer.pool = max_pool(2, 2);
          then_named<nn::Conv2d>(std::to_string(number), in, out, layer);
          number += 2;
        } else {
          then_named<nn::Conv2d>(std::to_string(number), in, out, layer);
          then_named<nn::BatchNorm>(std::to_string(number + 1), out,
                                    nn::BatchNorm::Options{.activation = Activation::relu});
          number += 3;
        }
      }
      if (normalised == Normalised::yes)
        then_named<nn::Pool2d>(std::to_string(number), Pooling::max, 2, 2);
      ++number;
    }
  }
};

struct Classifier final : nn::Sequential {
  Classifier(const Shape& image, int64_t classes, const nn::LayerInit& init) {
    then_named<nn::Linear>("0", image, 4096, Activation::relu, init)
        .then_named<nn::Dropout>("2", 0.5)
        .then_named<nn::Linear>("3", 4096, 4096, Activation::relu, init)
        .then_named<nn::Dropout>("5", 0.5)
        .then_named<nn::Linear>("6", 4096, classes, Activation::none, init);
  }
};

std::unique_ptr<nn::Module> book_vgg(const ModelOptions& options, int depth,
                                     Normalised normalised) {
  check_sides("vgg", options, 32);
  const nn::LayerInit init = layer_init(options);
  const Shape left{options.input[0] >> kBlocks, options.input[1] >> kBlocks,
                   scaled_channels(options, 512)};
  auto net = std::make_unique<nn::Sequential>();
  net->then_named<Features>("features", options, depth, normalised, init)
      .then<nn::Flatten>()
      .then_named<Classifier>("classifier", left, options.classes, init);
  return net;
}

std::unique_ptr<nn::Module> standard_vgg(const ModelOptions& options, int depth,
                                         Normalised normalised) {
  auto net = std::make_unique<nn::Sequential>();
  net->then_named<Features>("features", options, depth, normalised, kaiming_init(options));
  append_average_pool({"tv-vgg", kGrid, [](int64_t side) { return side >> kBlocks; }},
                      options.input, *net);
  net->then<nn::Flatten>().then_named<Classifier>(
      "classifier", Shape{kGrid, kGrid, 512}, options.classes,
      layer_init(options, {.weight = nn::normal(0, 0.01), .bias = nn::constant(0)}));
  return net;
}

}  // namespace

std::unique_ptr<nn::Module> vgg(const ModelOptions& options, int depth) {
  return book_vgg(options, depth, Normalised::no);
}

std::unique_ptr<nn::Module> vgg_bn(const ModelOptions& options, int depth) {
  return book_vgg(options, depth, Normalised::yes);
}

std::unique_ptr<nn::Module> tv_vgg(const ModelOptions& options, int depth) {
  return standard_vgg(options, depth, Normalised::no);
}

std::unique_ptr<nn::Module> tv_vgg_bn(const ModelOptions& options, int depth) {
  return standard_vgg(options, depth, Normalised::yes);
}

}  // namespace d2l::models
