#pragma once

#include <string>
#include <vector>

namespace d2l {

struct CurveForm {
  int columns = 80;  // that there are; a curve takes at most 72
  int height = 12;   // lines without the axis below
  bool utf8 = true;  // dots of braille and lines for axes; or else ASCII
};

// The losses as a curve with axes and their labels around it; lines end in '\n'. Neighbouring
// points are averaged where there are more than dots; points that are not finite are left out.
// Empty when none is left, or for less than 20 columns. Throws Error for a height below 2.
std::string loss_curve(const std::vector<double>& losses, const CurveForm& form);

}  // namespace d2l
