#include "framework/nn/parameter_set.h"

#include <fnmatch.h>

#include <algorithm>
#include <set>
#include <utility>

#include "framework/base/text.h"
#include "framework/nn/layer_order.h"
#include "framework/tensor/create.h"

namespace d2l::nn {
namespace {

constexpr int64_t kAlignment = 16;  // elements: 64 bytes, a cache line and an AVX-512 register

std::string joined(const std::string& path, const std::string& name) {
  return path.empty() ? name : path + "." + name;
}

// Allocates memory for all slots; writes only the padding.
Tensor arena(Backend& backend, const std::vector<ParameterSet::Slot>& slots, int64_t elements) {
  Tensor memory(backend, Shape{elements});
  for (const ParameterSet::Slot& slot : slots) {
    int64_t used = slot.shape.elements(), padding = slot.end - slot.begin - used;
    if (padding > 0) backend.fill(memory.slot(slot.begin + used, Shape{padding}).view(), 0);
  }
  return memory;
}

}  // namespace

ParameterSet::ParameterSet(Module& model, Backend& backend, std::optional<uint64_t> seed) {
  collect(model, "");
  check(!slots_.empty(), "parameter set: the model has no parameters");
  std::reverse(slots_.begin(), slots_.end());
  number_layers(model);
  bind_parameters(backend);
  if (seed) draw_values(*seed);
  bind_buffers(backend);
}

void ParameterSet::collect(Module& module, const std::string& path) {
  module.set_path(path);
  for (const auto& [name, parameter] : module.parameters()) {
    bool known = std::any_of(slots_.begin(), slots_.end(), [&parameter = parameter](const Slot& s) {
      return s.parameter == parameter;
    });
    if (!known) slots_.push_back({joined(path, name), parameter->shape, 0, 0, parameter});
  }
  for (const auto& [name, buffer] : module.buffers()) {
    bool known =
        std::any_of(buffer_slots_.begin(), buffer_slots_.end(),
                    [&buffer = buffer](const BufferSlot& slot) { return slot.buffer == buffer; });
    if (!known) buffer_slots_.push_back({joined(path, name), buffer});
  }
  for (const auto& child : module.children()) collect(*child.module, joined(path, child.name));
}

void ParameterSet::number_layers(const Module& model) {
  const LayerOrder order = layer_order(model);
  for (Slot& slot : slots_) slot.layer = order.layer_of.at(slot.parameter.get());
  if (order.head == nullptr) return;
  for (const auto& [name, parameter] : order.head->parameters())
    for (Slot& slot : slots_) slot.is_head = slot.is_head || slot.parameter == parameter;
}

void ParameterSet::bind_parameters(Backend& backend) {
  int64_t total = 0;
  for (Slot& slot : slots_) {
    slot.begin = total;
    total += (slot.shape.elements() + kAlignment - 1) / kAlignment * kAlignment;
    slot.end = total;
  }
  values_ = arena(backend, slots_, total);
  gradients_ = arena(backend, slots_, total);
  for (size_t i = 0; i < slots_.size(); ++i) make_trainable(i);
}

void ParameterSet::make_trainable(size_t slot) {
  Variable& variable = slots_[slot].parameter->variable;
  variable = Variable(part(values_, slot), true);
  variable.bind_grad(part(gradients_, slot));
}

void ParameterSet::draw_values(uint64_t seed) {
  std::vector<float> initial;
  for (size_t i = 0; i < slots_.size(); ++i) {
    const Slot& slot = slots_[i];
    initial.resize(static_cast<size_t>(slot.shape.elements()));
    slot.parameter->init({seed, stream_of(slot.name)}, slot.shape, initial);
    Tensor value = part(values_, i);
    value.backend().copy_from_host(initial.data(), value.view());
    value.backend().synchronize();  // the next slot reuses this host memory
  }
}

void ParameterSet::bind_buffers(Backend& backend) {
  int64_t total = 0;
  for (const BufferSlot& slot : buffer_slots_) total += slot.buffer->shape.elements();
  if (total == 0) return;
  buffers_ = Tensor(backend, Shape{total});
  int64_t begin = 0;
  for (BufferSlot& slot : buffer_slots_) {
    slot.buffer->tensor = buffers_.slot(begin, slot.buffer->shape);
    backend.fill(slot.buffer->tensor.view(), slot.buffer->initial);
    begin += slot.buffer->shape.elements();
  }
}

int64_t ParameterSet::count() const {
  int64_t total = 0;
  for (const Slot& slot : slots_) total += slot.shape.elements();
  return total;
}

int64_t ParameterSet::frozen_count() const {
  int64_t total = 0;
  for (const Slot& slot : slots_) total += slot.frozen ? slot.shape.elements() : 0;
  return total;
}

int64_t ParameterSet::layers() const {
  int64_t last = 0;
  for (const Slot& slot : slots_) last = std::max(last, slot.layer);
  return last + 1;
}

// Suggestions for a pattern that matches nothing: all names, and "layer1.*" for all names below
// layer1.
std::vector<std::string> ParameterSet::pattern_candidates() const {
  std::set<std::string> candidates;
  for (const Slot& slot : slots_) {
    for (size_t dot = slot.name.find('.'); dot != std::string::npos;
         dot = slot.name.find('.', dot + 1))
      candidates.insert(slot.name.substr(0, dot) + ".*");
    candidates.insert(slot.name);
  }
  return {candidates.begin(), candidates.end()};
}

Variable ParameterSet::operator[](const std::string& name) const {
  for (const Slot& slot : slots_)
    if (slot.name == name) return slot.parameter->variable;
  fail(unknown_name("parameter", name, pattern_candidates()));
}

std::map<std::string, Tensor> ParameterSet::named_tensors() const {
  std::map<std::string, Tensor> tensors;
  for (size_t i = 0; i < slots_.size(); ++i) tensors[slots_[i].name] = part(values_, i);
  for (const BufferSlot& slot : buffer_slots_) tensors[slot.name] = slot.buffer->tensor;
  return tensors;
}

void ParameterSet::copy_from(const std::map<std::string, Tensor>& tensors) {
  std::map<std::string, Tensor> own = named_tensors();
  for (const auto& [name, tensor] : tensors)
    check(own.contains(name), unknown_name("parameter", name, pattern_candidates()));
  for (const auto& [name, tensor] : own) {
    const auto found = tensors.find(name);
    check(found != tensors.end(), "expected a value for parameter '", name, "', found none");
    check(found->second.shape() == tensor.shape(), "parameter '", name, "': expected ",
          tensor.shape(), ", found ", found->second.shape());
  }
  for (auto& [name, tensor] : own) tensor.copy_from(tensors.at(name).to(backend()));
}

std::vector<size_t> ParameterSet::matching(const std::string& kind,
                                           const std::string& pattern) const {
  std::vector<size_t> found;
  for (size_t i = 0; i < slots_.size(); ++i)
    if (fnmatch(pattern.c_str(), slots_[i].name.c_str(), 0) == 0) found.push_back(i);
  if (found.empty()) throw UsageError(unknown_name(kind, pattern, pattern_candidates()));
  return found;
}

void ParameterSet::freeze(const std::vector<std::string>& patterns) {
  for (const std::string& pattern : patterns)
    for (const size_t i : matching("parameter to freeze", pattern)) {
      Slot& slot = slots_[i];
      if (slot.frozen) continue;
      slot.frozen = true;
      slot.parameter->variable = Variable(slot.parameter->variable.value());
      backend().fill(part(gradients_, i).view(), 0);
    }
  if (frozen_count() == count())
    throw UsageError(concat("'", join(patterns, ","), "' freezes all ", slots_.size(),
                            " parameters: expected one to train"));
}

void ParameterSet::unfreeze() {
  for (size_t i = 0; i < slots_.size(); ++i)
    if (std::exchange(slots_[i].frozen, false)) make_trainable(i);
}

Tensor ParameterSet::part(const Tensor& arena, size_t slot) const {
  return arena.slot(slots_[slot].begin, slots_[slot].shape);
}

void ParameterSet::zero_grad() {
  for (Slot& slot : slots_) slot.parameter->variable.zero_grad();
}

void ParameterSet::fill_missing_gradients() {
  for (size_t i = 0; i < slots_.size(); ++i)
    if (!slots_[i].frozen && !slots_[i].parameter->variable.has_grad())
      backend().fill(part(gradients_, i).view(), 0);
}

void ParameterSet::visit(StateVisitor& visitor) {
  visit(visitor, "parameters", values_);
  visit_buffers(visitor, "buffers", buffers_);
}

void ParameterSet::visit(StateVisitor& visitor, const std::string& prefix,
                         const Tensor& arena) const {
  for (size_t i = 0; i < slots_.size(); ++i) {
    Tensor value = part(arena, i);
    visitor.tensor(prefix + "/" + slots_[i].name, value);
  }
}

void ParameterSet::visit_buffers(StateVisitor& visitor, const std::string& prefix,
                                 const Tensor& buffers) const {
  int64_t begin = 0;
  for (const BufferSlot& slot : buffer_slots_) {
    Tensor value = buffers.slot(begin, slot.buffer->shape);
    visitor.tensor(prefix + "/" + slot.name, value);
    begin += slot.buffer->shape.elements();
  }
}

}  // namespace d2l::nn
