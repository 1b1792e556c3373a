#pragma once

#include <string>
#include <vector>

namespace d2l {

// The losses as a curve of braille dots, `width` by `height` characters with the axes and their
// labels around them; lines end in '\n'. Neighbouring points are averaged where there are more than
// dots; points that are not finite are left out. Empty when none is left. Throws Error for a width
// below 8 or a height below 2.
std::string loss_curve(const std::vector<double>& losses, int width = 60, int height = 12);

}  // namespace d2l
