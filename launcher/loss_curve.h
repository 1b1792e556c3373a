#pragma once

#include <string>
#include <vector>

namespace d2l {

struct CurveForm {
  int columns = 80;  // available; a curve uses at most 72
  int height = 12;   // lines, without the axis below
  bool utf8 = true;  // braille dots and line characters for axes; false: ASCII
};

// Draws the losses as a curve with labelled axes; lines end with '\n'. Averages neighbouring points
// if there are more points than dots, and omits points that are not finite. Empty if no point is
// left or for less than 20 columns. Throws Error for a height below 2.
std::string loss_curve(const std::vector<double>& losses, const CurveForm& form);

}  // namespace d2l
