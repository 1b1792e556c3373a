#include "framework/nn/parameter_set.h"

#include <algorithm>

#include "framework/tensor/create.h"

namespace d2l::nn {
namespace {

constexpr int64_t kAlignment = 16;  // elements: 64 bytes, a cache line and an AVX-512 register

std::string joined(const std::string& path, const std::string& name) {
  return path.empty() ? name : path + "." + name;
}

// Memory for all slots, of which only the padding is written.
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

void ParameterSet::bind_parameters(Backend& backend) {
  int64_t total = 0;
  for (Slot& slot : slots_) {
    slot.begin = total;
    total += (slot.shape.elements() + kAlignment - 1) / kAlignment * kAlignment;
    slot.end = total;
  }
  values_ = arena(backend, slots_, total);
  gradients_ = arena(backend, slots_, total);
  for (size_t i = 0; i < slots_.size(); ++i) {
    Variable& variable = slots_[i].parameter->variable;
    variable = Variable(part(values_, i), true);
    variable.bind_grad(part(gradients_, i));
  }
}

void ParameterSet::draw_values(uint64_t seed) {
  std::vector<float> initial;
  for (size_t i = 0; i < slots_.size(); ++i) {
    const Slot& slot = slots_[i];
    initial.resize(static_cast<size_t>(slot.shape.elements()));
    slot.parameter->init({seed, stream_of(slot.name)}, slot.shape, initial);
    Tensor value = part(values_, i);
    value.backend().copy_from_host(initial.data(), value.view());
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

Tensor ParameterSet::part(const Tensor& arena, size_t slot) const {
  return arena.slot(slots_[slot].begin, slots_[slot].shape);
}

void ParameterSet::zero_grad() {
  for (Slot& slot : slots_) slot.parameter->variable.zero_grad();
}

void ParameterSet::fill_missing_gradients() {
  for (size_t i = 0; i < slots_.size(); ++i)
    if (!slots_[i].parameter->variable.has_grad()) backend().fill(part(gradients_, i).view(), 0);
}

void ParameterSet::visit(StateVisitor& visitor) {
  for (size_t i = 0; i < slots_.size(); ++i) {
    Tensor value = part(values_, i);
    visitor.tensor("parameters/" + slots_[i].name, value);
  }
  for (BufferSlot& slot : buffer_slots_)
    visitor.tensor("buffers/" + slot.name, slot.buffer->tensor);
}

}  // namespace d2l::nn
