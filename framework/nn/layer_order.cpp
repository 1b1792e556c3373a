#include "framework/nn/layer_order.h"

#include <algorithm>

#include "framework/nn/layers.h"

namespace d2l::nn {
namespace {

template <class M>
bool is_a(const Module& module) {
  return dynamic_cast<const M*>(&module) != nullptr;
}

bool has_weights(const Module& module) { return is_a<Linear>(module) || is_a<Conv2d>(module); }

bool contains_weights(const Module& module) {
  const auto& children = module.children();
  return has_weights(module) ||
         std::any_of(children.begin(), children.end(),
                     [](const auto& child) { return contains_weights(*child.module); });
}

enum class Place { sequence, layer };  // what a module is part of

void add(const Module& module, Place place, LayerOrder& order) {
  if (place == Place::sequence && !is_a<Sequential>(module) && contains_weights(module)) {
    ++order.layers;
    place = Place::layer;
  }
  if (has_weights(module)) order.head = &module;
  for (const auto& [name, parameter] : module.parameters())
    order.layer_of.try_emplace(parameter.get(), std::max<int64_t>(order.layers - 1, 0));
  for (const auto& child : module.children()) add(*child.module, place, order);
}

}  // namespace

LayerOrder layer_order(const Module& model) {
  LayerOrder order;
  if (has_weights(model)) {
    add(model, Place::sequence, order);
  } else {
    for (const auto& [name, parameter] : model.parameters()) order.layer_of[parameter.get()] = 0;
    for (const auto& child : model.children()) add(*child.module, Place::sequence, order);
  }
  order.layers = std::max<int64_t>(order.layers, 1);
  return order;
}

}  // namespace d2l::nn
