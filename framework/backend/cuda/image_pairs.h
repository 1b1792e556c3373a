#pragma once

#include "framework/backend/cuda/queue.h"
#include "framework/backend/view.h"

namespace d2l::cuda {

// The part of prepare_images that mixes prepared images in pairs, in place.
void mix_images(const Queue& queue, ConstView pairs, ConstView weights, View images);

}  // namespace d2l::cuda
