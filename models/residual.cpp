#include "models/residual.h"

#include "framework/autograd/arrange.h"
#include "framework/tensor/create.h"

namespace d2l::models {
namespace {

constexpr nn::BatchNorm::Options kRelu{.activation = Activation::relu};

nn::Conv2d::Options square(int64_t kernel, int64_t stride, const BlockOptions& options) {
  return {.kernel = kernel,
          .stride = stride,
          .padding = kernel / 2,
          .bias = options.bias,
          .init = options.init};
}

}  // namespace

BasicBlock::BasicBlock(int64_t in, int64_t out, const BlockOptions& options)
    : shortcut_(options.shortcut) {
  conv1_ = add<nn::Conv2d>("conv1", in, out, square(3, options.stride, options));
  bn1_ = add<nn::BatchNorm>("bn1", out, kRelu);
  conv2_ = add<nn::Conv2d>("conv2", out, out, square(3, 1, options));
  bn2_ = add<nn::BatchNorm>("bn2", out, kRelu);
  if (shortcut_) add_child(options.shortcut_name, shortcut_);
}

Variable BasicBlock::forward(const Variable& x, const nn::Context& context) {
  Variable y = (*bn1_)((*conv1_)(x, context), context);
  y = (*conv2_)(y, context);
  return bn2_->forward(y, shortcut_ ? (*shortcut_)(x, context) : x, context);
}

Bottleneck::Bottleneck(int64_t in, int64_t middle, const BlockOptions& options)
    : shortcut_(options.shortcut) {
  const int64_t out = kExpansion * middle;
  conv1_ = add<nn::Conv2d>("conv1", in, middle, square(1, 1, options));
  bn1_ = add<nn::BatchNorm>("bn1", middle, kRelu);
  conv2_ = add<nn::Conv2d>("conv2", middle, middle, square(3, options.stride, options));
  bn2_ = add<nn::BatchNorm>("bn2", middle, kRelu);
  conv3_ = add<nn::Conv2d>("conv3", middle, out, square(1, 1, options));
  bn3_ = add<nn::BatchNorm>("bn3", out, kRelu);
  if (shortcut_) add_child(options.shortcut_name, shortcut_);
}

Variable Bottleneck::forward(const Variable& x, const nn::Context& context) {
  Variable y = (*bn1_)((*conv1_)(x, context), context);
  y = (*bn2_)((*conv2_)(y, context), context);
  y = (*conv3_)(y, context);
  return bn3_->forward(y, shortcut_ ? (*shortcut_)(x, context) : x, context);
}

Projection::Projection(int64_t in, int64_t out, int64_t stride, const nn::LayerInit& init) {
  then<nn::Conv2d>(in, out,
                   nn::Conv2d::Options{.kernel = 1, .stride = stride, .bias = false, .init = init})
      .then<nn::BatchNorm>(out);
}

PaddedSubsample::PaddedSubsample(int64_t in, int64_t out, int64_t stride)
    : before_((out - in) / 2), after_(out - in - before_), stride_(stride) {
  check(out >= in && stride >= 1, "shortcut: expected at least ", in,
        " channels and a stride of at least 1, found ", out, " and ", stride);
}

Variable PaddedSubsample::forward(const Variable& x, const nn::Context&) {
  Variable y = get(x, {Index(), Index(0, {}, stride_), Index(0, {}, stride_)});
  auto nothing = [&](int64_t channels) {
    return Variable(zeros(x.backend(), y.shape().with_size(3, channels), x.value().dtype()));
  };
  return concat({nothing(before_), y, nothing(after_)}, 3);
}

}  // namespace d2l::models
