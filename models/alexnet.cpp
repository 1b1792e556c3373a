#include "models/average_pool.h"
#include "models/builders.h"

// Krizhevsky et al., "ImageNet classification with deep convolutional neural networks", 2012, as in
// chapter 7.1, and the narrower one of "One weird trick for parallelizing convolutional neural
// networks", 2014, that torchvision has weights for.

namespace d2l::models {
namespace {

constexpr Activation kRelu = Activation::relu;

// The output side of all convolutions and poolings; the 5 x 5 and 3 x 3 convolutions keep the size.
int64_t output_side(int64_t side, int64_t padding) {
  return after(after(after(after(side, 11, 4, padding), 3, 2), 3, 2), 3, 2);
}

// Convolutions with ReLU, some followed by a pooling.
struct Features final : nn::Sequential {
  struct Layer {
    const char* name;
    int64_t channels, kernel, stride, padding;
    bool pooled;
  };
  Features(int64_t in, std::initializer_list<Layer> layers, const nn::LayerInit& init) {
    for (const Layer& layer : layers) {
      nn::Conv2d::Options options{.kernel = layer.kernel,
                                  .stride = layer.stride,
                                  .padding = layer.padding,
                                  .activation = kRelu,
                                  .init = init};
      if (layer.pooled) options.pool = max_pool(3, 2);
      then_named<nn::Conv2d>(layer.name, in, layer.channels, options);
      in = layer.channels;
    }
  }
};

// torchvision has dropout before the first two linear layers, the book after them.
struct Classifier final : nn::Sequential {
  Classifier(const Shape& image, int64_t classes, const nn::LayerInit& init) {
    then_named<nn::Dropout>("0", 0.5)
        .then_named<nn::Linear>("1", image, 4096, kRelu, init)
        .then_named<nn::Dropout>("3", 0.5)
        .then_named<nn::Linear>("4", 4096, 4096, kRelu, init)
        .then_named<nn::Linear>("6", 4096, classes, Activation::none, init);
  }
};

}  // namespace

std::unique_ptr<nn::Module> alexnet(const ModelOptions& options) {
  check_sides("alexnet", options, 65);
  const nn::LayerInit init = layer_init(options);
  auto channels = [&](int64_t count) { return scaled_channels(options, count); };
  const int64_t height = output_side(options.input[0], 1), width = output_side(options.input[1], 1);
  const std::initializer_list<Features::Layer> layers = {{"conv1", channels(96), 11, 4, 1, true},
                                                         {"conv2", channels(256), 5, 1, 2, true},
                                                         {"conv3", channels(384), 3, 1, 1, false},
                                                         {"conv4", channels(384), 3, 1, 1, false},
                                                         {"conv5", channels(256), 3, 1, 1, true}};
  auto net = std::make_unique<Features>(options.input[2], layers, init);
  net->then<nn::Flatten>()
      .then_named<nn::Linear>("fc1", Shape{height, width, channels(256)}, 4096, kRelu, init)
      .then_named<nn::Dropout>("dropout1", 0.5)
      .then_named<nn::Linear>("fc2", 4096, 4096, kRelu, init)
      .then_named<nn::Dropout>("dropout2", 0.5)
      .then_named<nn::Linear>("fc3", 4096, options.classes, Activation::none, init);
  return net;
}

std::unique_ptr<nn::Module> tv_alexnet(const ModelOptions& options) {
  const std::initializer_list<Features::Layer> layers = {{"0", 64, 11, 4, 2, true},
                                                         {"3", 192, 5, 1, 2, true},
                                                         {"6", 384, 3, 1, 1, false},
                                                         {"8", 256, 3, 1, 1, false},
                                                         {"10", 256, 3, 1, 1, true}};
  auto net = std::make_unique<nn::Sequential>();
  net->then_named<Features>("features", options.input[2], layers, kaiming_init(options));
  append_average_pool({"tv-alexnet", 6, [](int64_t side) { return output_side(side, 2); }},
                      options.input, *net);
  net->then<nn::Flatten>().then_named<Classifier>(
      "classifier", Shape{6, 6, 256}, options.classes,
      layer_init(options, {.weight = nn::fan_in_uniform(), .bias = {}}));
  return net;
}

}  // namespace d2l::models
