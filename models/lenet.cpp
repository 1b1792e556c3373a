#include "models/builders.h"

// LeCun et al., "Gradient-based learning applied to document recognition", 1998, as in chapter 6.6,
// and its variant with batch normalisation of chapter 7.5.

namespace d2l::models {

std::unique_ptr<nn::Module> lenet(const ModelOptions& options) {
  constexpr Activation kSigmoid = Activation::sigmoid;
  nn::LayerInit init = layer_init(options);
  int64_t height = after(options.input[0], 2, 2), width = after(options.input[1], 2, 2);
  height = after(after(height, 5), 2, 2);
  width = after(after(width, 5), 2, 2);
  check(height >= 1 && width >= 1, "lenet: expected an input of at least 12 x 12, found ",
        options.input);
  auto net = std::make_unique<nn::Sequential>();
  constexpr Pool2dParams kAverage{.kind = Pooling::average};
  net->then_named<nn::Conv2d>(
         "conv1", options.input[2], 6,
         nn::Conv2d::Options{
             .kernel = 5, .padding = 2, .activation = kSigmoid, .pool = kAverage, .init = init})
      .then_named<nn::Conv2d>(
          "conv2", 6, 16,
          nn::Conv2d::Options{.kernel = 5, .activation = kSigmoid, .pool = kAverage, .init = init})
      .then<nn::Flatten>()
      .then_named<nn::Linear>("fc1", Shape{height, width, 16}, 120, kSigmoid, init)
      .then_named<nn::Linear>("fc2", 120, 84, kSigmoid, init)
      .then_named<nn::Linear>("fc3", 84, options.classes, Activation::none, init);
  return net;
}

std::unique_ptr<nn::Module> bn_lenet(const ModelOptions& options) {
  constexpr Activation kSigmoid = Activation::sigmoid;
  nn::LayerInit init = layer_init(options);
  int64_t height = after(after(options.input[0], 5), 2, 2);
  int64_t width = after(after(options.input[1], 5), 2, 2);
  height = after(after(height, 5), 2, 2);
  width = after(after(width, 5), 2, 2);
  check(height >= 1 && width >= 1, "bn-lenet: expected an input of at least 16 x 16, found ",
        options.input);
  auto net = std::make_unique<nn::Sequential>();
  net->then_named<nn::Conv2d>("conv1", options.input[2], 6,
                              nn::Conv2d::Options{.kernel = 5, .init = init})
      .then_named<nn::BatchNorm>("bn1", 6)
      .then<nn::Activate>(kSigmoid)
      .then_named<nn::Pool2d>("pool1", Pooling::average, 2, 2)
      .then_named<nn::Conv2d>("conv2", 6, 16, nn::Conv2d::Options{.kernel = 5, .init = init})
      .then_named<nn::BatchNorm>("bn2", 16)
      .then<nn::Activate>(kSigmoid)
      .then_named<nn::Pool2d>("pool2", Pooling::average, 2, 2)
      .then<nn::Flatten>()
      .then_named<nn::Linear>("fc1", Shape{height, width, 16}, 120, Activation::none, init)
      .then_named<nn::BatchNorm>("bn3", 120)
      .then<nn::Activate>(kSigmoid)
      .then_named<nn::Linear>("fc2", 120, 84, Activation::none, init)
      .then_named<nn::BatchNorm>("bn4", 84)
      .then<nn::Activate>(kSigmoid)
      .then_named<nn::Linear>("fc3", 84, options.classes, Activation::none, init);
  return net;
}

}  // namespace d2l::models
