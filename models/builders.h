#pragma once

#include "framework/nn/layers.h"
#include "models/zoo.h"

namespace d2l::models {

// The functions in the table of zoo.cpp; each .cpp file names its network's source.
std::unique_ptr<nn::Module> linear_model(const ModelOptions& options);
std::unique_ptr<nn::Module> mlp(const ModelOptions& options);
std::unique_ptr<nn::Module> dropout_mlp(const ModelOptions& options);
std::unique_ptr<nn::Module> lenet(const ModelOptions& options);
std::unique_ptr<nn::Module> bn_lenet(const ModelOptions& options);
std::unique_ptr<nn::Module> vit_tiny(const ModelOptions& options);

std::unique_ptr<nn::Module> alexnet(const ModelOptions& options);
std::unique_ptr<nn::Module> nin(const ModelOptions& options);
std::unique_ptr<nn::Module> googlenet(const ModelOptions& options);
std::unique_ptr<nn::Module> resnet18(const ModelOptions& options);
std::unique_ptr<nn::Module> densenet(const ModelOptions& options);

// By the number of layers with weights: VGG has 11, 13, 16 or 19, residual networks for small
// images 6 n + 2, standard ones 18, 34, 50, 101 or 152.
std::unique_ptr<nn::Module> vgg(const ModelOptions& options, int depth);
std::unique_ptr<nn::Module> vgg_bn(const ModelOptions& options, int depth);
std::unique_ptr<nn::Module> small_resnet(const ModelOptions& options, int depth);

// Networks with torchvision's structure and parameter names, for its pretrained weights.
std::unique_ptr<nn::Module> tv_alexnet(const ModelOptions& options);
std::unique_ptr<nn::Module> tv_vgg(const ModelOptions& options, int depth);
std::unique_ptr<nn::Module> tv_vgg_bn(const ModelOptions& options, int depth);
std::unique_ptr<nn::Module> tv_googlenet(const ModelOptions& options);
std::unique_ptr<nn::Module> tv_resnet(const ModelOptions& options, int depth);

// The initialisation that options.init names, or `own` if it is empty.
nn::LayerInit layer_init(const ModelOptions& options, const nn::LayerInit& own = {});
// The same with Kaiming weights and zero biases as default, for convolutions of standard networks.
nn::LayerInit kaiming_init(const ModelOptions& options);

// channels / options.width. Throws UsageError if that is not a whole number.
int64_t scaled_channels(const ModelOptions& options, int64_t channels);

// Throws Error unless both sides of the input are at least `least`.
void check_sides(const char* model, const ModelOptions& options, int64_t least);

// The output side of a square window over an image side; 0 if the window does not fit.
inline int64_t after(int64_t side, int64_t window, int64_t stride = 1, int64_t padding = 0) {
  int64_t room = side + 2 * padding - window;
  return room < 0 ? 0 : room / stride + 1;
}

inline Pool2dParams max_pool(int64_t window, int64_t stride, int64_t padding = 0) {
  return {.window = {window, window}, .stride = {stride, stride}, .padding = {padding, padding}};
}

}  // namespace d2l::models
