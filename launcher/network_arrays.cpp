#include "launcher/network_arrays.h"

#include <map>

namespace d2l::launcher {

std::vector<weights::ModelArray> network_arrays(const nn::ParameterSet& parameters,
                                                const Shape& input) {
  std::vector<weights::ModelArray> arrays;
  std::map<int64_t, int> weights_in;  // a layer with several weights is a block: see LayerOrder
  for (const auto& slot : parameters.slots())
    if (slot.shape.rank() >= 2) ++weights_in[slot.layer];
  const auto& slots = parameters.slots();  // from the output to the input
  for (auto slot = slots.rbegin(); slot != slots.rend(); ++slot)
    arrays.push_back({.name = slot->name,
                      .shape = slot->shape,
                      .image = slot->parameter->image,
                      .is_head = slot->is_head,
                      .reads_input = slot == slots.rbegin() && slot->shape.rank() == 4 &&
                                     input.rank() == 3 && slot->shape[3] == input[2],
                      .in_block = weights_in[slot->layer] > 1});
  for (const auto& slot : parameters.buffer_slots())
    arrays.push_back({.name = slot.name, .shape = slot.buffer->shape});
  return arrays;
}

}  // namespace d2l::launcher
