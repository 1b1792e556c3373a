#pragma once

#include <concepts>
#include <optional>

#include "framework/autograd/normalization.h"
#include "framework/nn/module.h"

namespace d2l::nn {

// Initial values of a layer's parameters. An undefined function means the book's default:
// Xavier-uniform weights, biases uniform within 1 / sqrt(fan_in).
struct LayerInit {
  Initializer weight = {};
  Initializer bias = {};
};

// activation(x weight^T + bias): [..., in] -> [..., out]. Parameters weight [out, in], bias [out]
// if there is one.
class Linear final : public Module {
 public:
  enum class Bias { no, yes };
  Linear(int64_t in, int64_t out, Activation activation = Activation::none,
         const LayerInit& init = {}, Bias bias = Bias::yes);
  // x is a flattened image [h, w, c], or a row of values.
  Linear(const Shape& input, int64_t out, Activation activation = Activation::none,
         const LayerInit& init = {});
  Variable forward(const Variable& x, const Context& context) override;
  // Outputs [begin, end) only.
  Variable forward_part(const Variable& x, int64_t begin, int64_t end);

 private:
  std::shared_ptr<Parameter> weight_, bias_;
  Activation activation_;
};

// [n, h, w, in] -> [n, oh, ow, out]. Parameters weight [out, k, k, in], bias [out] if there is one
// (usually not before a normalisation).
class Conv2d final : public Module {
 public:
  struct Options {
    int64_t kernel = 3;
    int64_t stride = 1;
    int64_t padding = 0;
    bool bias = true;
    Activation activation = Activation::none;
    std::optional<Pool2dParams> pool = {};  // of the result; faster than a separate Pool2d
    LayerInit init = {};
  };
  Conv2d(int64_t in, int64_t out, const Options& options);
  Variable forward(const Variable& x, const Context& context) override;

 private:
  std::shared_ptr<Parameter> weight_, bias_;
  Conv2dParams params_;
  std::optional<Pool2dParams> pool_;
};

// Square windows, except with explicit parameters; [n, h, w, c] -> [n, oh, ow, c].
class Pool2d final : public Module {
 public:
  Pool2d(Pooling kind, int64_t window, int64_t stride, int64_t padding = 0);
  explicit Pool2d(const Pool2dParams& params) : params_(params) {}
  Variable forward(const Variable& x, const Context& context) override;

 private:
  Pool2dParams params_;
};

// The average of each channel: [n, h, w, c] -> [n, c].
class GlobalAveragePool final : public Module {
 public:
  Variable forward(const Variable& x, const Context& context) override;
};

// Batch normalisation over all axes except the last, which has `channels` elements; then the
// activation. Parameters weight (gamma) and bias (beta), buffers running_mean and running_var.
// While both parameters are frozen, it uses the running statistics in training too and does not
// change them; fine-tuning needs this.
class BatchNorm final : public Module {
 public:
  struct Options {
    Activation activation = Activation::none;
    double momentum = 0.1;
    double epsilon = 1e-5;
  };
  explicit BatchNorm(int64_t channels, const Options& options);
  explicit BatchNorm(int64_t channels) : BatchNorm(channels, Options{}) {}
  Variable forward(const Variable& x, const Context& context) override;
  // activation(normalised x + residual): the end of a residual block (chapter 7.6).
  Variable forward(const Variable& x, const Variable& residual, const Context& context);

 private:
  bool is_frozen() const;

  std::shared_ptr<Parameter> gamma_, beta_;
  std::shared_ptr<Buffer> mean_, variance_;
  Options options_;
};

// Layer normalisation over the last axis, which has `channels` elements. Parameters weight (gamma)
// and bias (beta).
class LayerNorm final : public Module {
 public:
  explicit LayerNorm(int64_t channels, double epsilon = 1e-5);
  Variable forward(const Variable& x, const Context& context) override;

 private:
  std::shared_ptr<Parameter> gamma_, beta_;
  double epsilon_;
};

// In training, sets elements to 0 with probability p. The mask depends on the step, the module's
// path and the sample's position in the global batch.
class Dropout final : public Module {
 public:
  explicit Dropout(double p) : p_(p) {}
  Variable forward(const Variable& x, const Context& context) override;

 private:
  double p_;
};

// A separate activation, for places where no layer can apply it.
class Activate final : public Module {
 public:
  explicit Activate(Activation activation) : activation_(activation) {}
  Variable forward(const Variable& x, const Context& context) override;

 private:
  Activation activation_;
};

// [n, ...] -> [n, the rest]
class Flatten final : public Module {
 public:
  Variable forward(const Variable& x, const Context& context) override;
};

template <class M>
concept AnyModule = std::derived_from<M, Module>;

// Runs its children one after the other. Children are named 0, 1, 2, ... unless a name is given.
//     Sequential net(Flatten(), Linear(784, 256, Activation::relu), Linear(256, 10));
class Sequential : public Module {
 public:
  Sequential() = default;
  template <AnyModule First, AnyModule... More>
  explicit Sequential(First&& first, More&&... more) {
    then<First>(std::forward<First>(first));
    (then<More>(std::forward<More>(more)), ...);
  }

  Variable forward(const Variable& x, const Context& context) override;

  template <class M, class... Arguments>
  Sequential& then(Arguments&&... arguments) {
    return then_named<M>(std::to_string(children().size()), std::forward<Arguments>(arguments)...);
  }
  template <class M, class... Arguments>
  Sequential& then_named(const std::string& name, Arguments&&... arguments) {
    return then_module(name, std::make_shared<M>(std::forward<Arguments>(arguments)...));
  }
  // Appends an existing module.
  Sequential& then_module(const std::string& name, std::shared_ptr<Module> module) {
    add_child(name, std::move(module));
    return *this;
  }
};

}  // namespace d2l::nn
