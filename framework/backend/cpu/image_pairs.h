#pragma once

#include "framework/backend/view.h"

namespace d2l::cpu {

// The part of prepare_images that mixes prepared images in pairs, in place.
void mix_images(ConstView pairs, ConstView weights, View images);

}  // namespace d2l::cpu
