#pragma once

#include <string>
#include <vector>

namespace d2l::examples {

// An axis of a plot: which numbers it shows, and where on the page.
struct Axis {
  double low = 0, high = 1;   // of the numbers, or of their logarithms
  double begin = 0, end = 1;  // on the page
  bool is_log = false;        // powers of ten
  double least_step = 0;      // between ticks

  struct Tick {
    double place = 0;  // on the page
    std::string text;
  };

  // For all finite numbers, which must be positive for powers of ten, and a little more.
  static Axis around(const std::vector<double>& numbers, bool is_log, double begin, double end);

  // Whether a number has a place on the axis.
  bool shows(double number) const;
  double place(double number) const;
  // At round numbers: 3 to 7 of them.
  std::vector<Tick> ticks() const;
};

}  // namespace d2l::examples
