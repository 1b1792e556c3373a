#include "framework/nn/layers.h"

#include <cmath>

#include "framework/autograd/arrange.h"
#include "framework/autograd/convolution.h"
#include "framework/autograd/elementwise.h"
#include "framework/autograd/linear.h"

namespace d2l::nn {
namespace {

Initializer weight_init(const LayerInit& init) {
  return init.weight ? init.weight : xavier_uniform();
}

Initializer bias_init(const LayerInit& init, int64_t fan_in) {
  if (init.bias) return init.bias;
  double bound = 1.0 / std::sqrt(static_cast<double>(fan_in));
  return uniform(-bound, bound);
}

}  // namespace

Linear::Linear(int64_t in, int64_t out, Activation activation, const LayerInit& init, Bias bias)
    : weight_(add_parameter("weight", Shape{out, in}, weight_init(init))),
      bias_(bias == Bias::yes ? add_parameter("bias", Shape{out}, bias_init(init, in)) : nullptr),
      activation_(activation) {}

Linear::Linear(const Shape& input, int64_t out, Activation activation, const LayerInit& init)
    : Linear(input.elements(), out, activation, init) {
  if (input.rank() == 3) weight_->image = input;
}

Variable Linear::forward(const Variable& x, const Context&) {
  return linear(x, weight_->variable, bias_ ? bias_->variable : Variable(), activation_);
}

Variable Linear::forward_part(const Variable& x, int64_t begin, int64_t end) {
  const ScopeGuard scope(own_scope());
  const auto part = [=](const std::shared_ptr<Parameter>& of) {
    return get(of->variable, {Index(begin, end)});
  };
  return linear(x, part(weight_), bias_ ? part(bias_) : Variable(), activation_);
}

Conv2d::Conv2d(int64_t in, int64_t out, const Options& options)
    : weight_(add_parameter("weight", Shape{out, options.kernel, options.kernel, in},
                            weight_init(options.init))),
      bias_(options.bias
                ? add_parameter("bias", Shape{out},
                                bias_init(options.init, options.kernel * options.kernel * in))
                : nullptr),
      params_{.stride = {options.stride, options.stride},
              .padding = {options.padding, options.padding},
              .activation = options.activation},
      pool_(options.pool) {}

Variable Conv2d::forward(const Variable& x, const Context&) {
  const Variable bias = bias_ ? bias_->variable : Variable();
  if (pool_) return conv2d_pool(x, weight_->variable, bias, params_, *pool_);
  return conv2d(x, weight_->variable, bias, params_);
}

Pool2d::Pool2d(Pooling kind, int64_t window, int64_t stride, int64_t padding)
    : params_{.kind = kind,
              .window = {window, window},
              .stride = {stride, stride},
              .padding = {padding, padding}} {}

Variable Pool2d::forward(const Variable& x, const Context&) { return pool2d(x, params_); }

Variable GlobalAveragePool::forward(const Variable& x, const Context&) { return mean(x, {1, 2}); }

BatchNorm::BatchNorm(int64_t channels, const Options& options)
    : gamma_(add_parameter("weight", Shape{channels}, constant(1))),
      beta_(add_parameter("bias", Shape{channels}, constant(0))),
      mean_(add_buffer("running_mean", Shape{channels}, 0)),
      variance_(add_buffer("running_var", Shape{channels}, 1)),
      options_(options) {}

bool BatchNorm::is_frozen() const {
  return !gamma_->variable.requires_grad() && !beta_->variable.requires_grad();
}

Variable BatchNorm::forward(const Variable& x, const Context& context) {
  return forward(x, Variable(), context);
}

Variable BatchNorm::forward(const Variable& x, const Variable& residual, const Context& context) {
  const ScopeGuard scope(own_scope());
  BatchNormState state{mean_->tensor, variance_->tensor, options_.momentum,
                       context.training && !is_frozen(), context.sum_over_ranks};
  if (state.training && context.on_statistics)
    context.on_statistics(path(), x.value().elements() / x.shape().size(-1));
  return batch_norm({x, gamma_->variable, beta_->variable, residual}, state,
                    {.epsilon = options_.epsilon, .activation = options_.activation});
}

LayerNorm::LayerNorm(int64_t channels, double epsilon)
    : gamma_(add_parameter("weight", Shape{channels}, constant(1))),
      beta_(add_parameter("bias", Shape{channels}, constant(0))),
      epsilon_(epsilon) {}

Variable LayerNorm::forward(const Variable& x, const Context&) {
  return layer_norm(x, gamma_->variable, beta_->variable, {.epsilon = epsilon_});
}

Variable Dropout::forward(const Variable& x, const Context& context) {
  if (!context.training || p_ == 0) return x;
  int64_t per_sample = x.shape().elements(1, x.shape().rank());
  RngKey key{context.rng.seed, mix(context.rng.stream, stream_of(path()))};
  return dropout(x, {.p = p_,
                     .key = key,
                     .first_element = context.first_sample * per_sample,
                     .step = context.step.defined() ? context.step.view() : ConstView{}});
}

Variable Activate::forward(const Variable& x, const Context&) {
  return activation_ == Activation::none ? x : unary(unary_of(activation_), x);
}

Variable Flatten::forward(const Variable& x, const Context&) { return flatten(x); }

Variable Sequential::forward(const Variable& x, const Context& context) {
  Variable y = x;
  for (const NamedModule& child : children()) y = (*child.module)(y, context);
  return y;
}

}  // namespace d2l::nn
