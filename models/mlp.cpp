#include "models/builders.h"

// The fully connected networks of chapters 3.3, 3.7, 4.3 and 4.6; weights N(0, .01).

namespace d2l::models {

std::unique_ptr<nn::Module> linear_model(const ModelOptions& options) {
  nn::LayerInit init = layer_init(options, {.weight = nn::normal(0, 0.01), .bias = {}});
  auto net = std::make_unique<nn::Sequential>();
  net->then<nn::Flatten>().then_named<nn::Linear>("output", options.input, options.classes,
                                                  Activation::none, init);
  return net;
}

std::unique_ptr<nn::Module> mlp(const ModelOptions& options) {
  nn::LayerInit init = layer_init(options, {.weight = nn::normal(0, 0.01), .bias = {}});
  auto net = std::make_unique<nn::Sequential>();
  net->then<nn::Flatten>()
      .then_named<nn::Linear>("hidden", options.input, 256, Activation::relu, init)
      .then_named<nn::Linear>("output", 256, options.classes, Activation::none, init);
  return net;
}

std::unique_ptr<nn::Module> dropout_mlp(const ModelOptions& options) {
  nn::LayerInit init = layer_init(options, {.weight = nn::normal(0, 0.01), .bias = {}});
  auto net = std::make_unique<nn::Sequential>();
  net->then<nn::Flatten>()
      .then_named<nn::Linear>("hidden1", options.input, 256, Activation::relu, init)
      .then_named<nn::Dropout>("dropout1", 0.2)
      .then_named<nn::Linear>("hidden2", 256, 256, Activation::relu, init)
      .then_named<nn::Dropout>("dropout2", 0.5)
      .then_named<nn::Linear>("output", 256, options.classes, Activation::none, init);
  return net;
}

}  // namespace d2l::models
