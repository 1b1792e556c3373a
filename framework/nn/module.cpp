#include "framework/nn/module.h"

namespace d2l::nn {

void Module::check_new(const std::string& name) const {
  bool taken = false;
  for (const auto& child : children_) taken = taken || child.name == name;
  for (const auto& [other, parameter] : parameters_) taken = taken || other == name;
  for (const auto& [other, buffer] : buffers_) taken = taken || other == name;
  check(!name.empty() && !taken, "module: expected a new name, found '", name, "' again");
}

std::shared_ptr<Parameter> Module::add_parameter(const std::string& name, const Shape& shape,
                                                 Initializer init) {
  auto parameter = std::make_shared<Parameter>();
  parameter->shape = shape;
  parameter->init = std::move(init);
  share_parameter(name, parameter);
  return parameter;
}

void Module::share_parameter(const std::string& name, std::shared_ptr<Parameter> parameter) {
  check_new(name);
  parameters_.emplace_back(name, std::move(parameter));
}

std::shared_ptr<Buffer> Module::add_buffer(const std::string& name, const Shape& shape,
                                           float initial) {
  check_new(name);
  auto buffer = std::make_shared<Buffer>();
  buffer->shape = shape;
  buffer->initial = initial;
  buffers_.emplace_back(name, buffer);
  return buffer;
}

void Module::add_child(const std::string& name, std::shared_ptr<Module> module) {
  check_new(name);
  children_.push_back({name, std::move(module)});
}

}  // namespace d2l::nn
