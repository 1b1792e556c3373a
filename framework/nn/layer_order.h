#pragma once

#include <cstdint>
#include <map>

#include "framework/nn/module.h"

namespace d2l::nn {

// The layers of a network in the order in which its modules were registered, which is their order
// from the input to the output.
struct LayerOrder {
  // The number of the layer of each parameter; 0 is the first layer after the input. A Linear or
  // Conv2d is a layer. A block, which is a module with such layers that is not a Sequential, is one
  // layer with everything in it. Other parameters, such as those of normalisations and embeddings,
  // belong to the layer before them; if there is none, to the first layer.
  std::map<const Parameter*, int64_t> layer_of = {};
  int64_t layers = 0;
  // The last Linear or Conv2d: the layer whose outputs are those of the network. It belongs to the
  // last of the layers. nullptr if there is none.
  const Module* head = nullptr;
};

// `model` itself is always taken as a sequence, never as a block.
LayerOrder layer_order(const Module& model);

}  // namespace d2l::nn
