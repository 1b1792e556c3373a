#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "framework/autograd/variable.h"
#include "framework/base/scope.h"
#include "framework/nn/init.h"

namespace d2l::nn {

// A trainable array of a module. Modules declare parameters; a ParameterSet gives them memory,
// names and initial values. Two modules that hold the same Parameter share it.
struct Parameter {
  Shape shape;
  Initializer init;
  Variable variable;
  Shape image = {};  // [h, w, c], if its columns are the elements of a flattened image
};

// State of the model that is not trained, such as running statistics.
struct Buffer {
  Shape shape;
  float initial = 0;
  Tensor tensor;
};

// Settings of one forward pass.
struct Context {
  bool training = false;
  RngKey rng = {};           // of this run; modules mix their path into it
  Tensor step = {};          // i64 [1] on the device: step number for kernels; or undefined
  int64_t first_sample = 0;  // position of x's first sample in the global batch
  // Set if batch norms use statistics over the samples of all ranks: see BatchNormState.
  std::function<void(Tensor& numbers)> sum_over_ranks = {};
  // Called by each batch norm that computes batch statistics, with the number of values per channel
  // on this rank.
  std::function<void(const std::string& layer, int64_t values)> on_statistics = {};
};

// For step number `step` of a training loop of one's own: dropout differs from step to step.
inline Context in_training(int64_t step, uint64_t seed = 0) {
  return {.training = true, .rng = {seed, mix(stream_of("training"), static_cast<uint64_t>(step))}};
}

// A function with parameters, composed of other modules. A derived class declares parameters and
// children in its constructor and implements forward(); autograd derives the gradients.
class Module {
 public:
  Module() = default;
  virtual ~Module() = default;
  Module(Module&&) = default;  // before it has a ParameterSet
  Module& operator=(Module&&) = default;

  // What a derived class computes.
  virtual Variable forward(const Variable& x, const Context& context) = 0;
  // Calls forward() in this module's scope, so that profiles attribute the work to it. Modules call
  // their children this way.
  Variable operator()(const Variable& x, const Context& context) {
    const ScopeGuard scope(own_scope());
    return forward(x, context);
  }
  // Outside of training, unless the context says so.
  Variable operator()(const Variable& x) { return (*this)(x, Context{}); }

  struct NamedModule {
    std::string name;
    std::shared_ptr<Module> module;
  };
  const std::vector<NamedModule>& children() const { return children_; }
  const std::vector<std::pair<std::string, std::shared_ptr<Parameter>>>& parameters() const {
    return parameters_;
  }
  const std::vector<std::pair<std::string, std::shared_ptr<Buffer>>>& buffers() const {
    return buffers_;
  }
  // Path in the module tree: "stage2.0.conv1"; set by ParameterSet.
  const std::string& path() const { return path_; }
  void set_path(std::string path) { path_ = std::move(path); }

 protected:
  // Names must be unique within a module. Throws Error.
  std::shared_ptr<Parameter> add_parameter(const std::string& name, const Shape& shape,
                                           Initializer init);
  void share_parameter(const std::string& name, std::shared_ptr<Parameter> parameter);
  std::shared_ptr<Buffer> add_buffer(const std::string& name, const Shape& shape, float initial);
  void add_child(const std::string& name, std::shared_ptr<Module> module);
  template <class M, class... Arguments>
  std::shared_ptr<M> add(const std::string& name, Arguments&&... arguments) {
    auto module = std::make_shared<M>(std::forward<Arguments>(arguments)...);
    add_child(name, module);
    return module;
  }
  // For functions other than forward(x, context), which must enter the scope themselves.
  Scope own_scope() const { return {.path = &path_}; }

 private:
  void check_new(const std::string& name) const;

  std::vector<NamedModule> children_;
  std::vector<std::pair<std::string, std::shared_ptr<Parameter>>> parameters_;
  std::vector<std::pair<std::string, std::shared_ptr<Buffer>>> buffers_;
  std::string path_;
};

}  // namespace d2l::nn
