#pragma once

#include <cstdint>
#include <string>

#include "data/formats/image.h"

namespace d2l::data {

// Characters of 5 x 7 pixels, in cells of 6 x 8.
constexpr int64_t kCellWidth = 6, kCellHeight = 8;

// Draws text in black on an image of three channels, with the upper left corner of the first cell
// at (top, left). Characters other than ASCII 32 to 126 are drawn as '?'; what is outside of the
// image is not drawn.
void draw_text(Image& image, int64_t top, int64_t left, const std::string& text);

}  // namespace d2l::data
