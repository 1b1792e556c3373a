#include "examples/support/axis.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace d2l::examples {
namespace {

std::string number_text(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", number == 0 ? 0 : number);  // no -0
  return text;
}

// 1, 2 or 5 times a power of ten, so that `span` has 3 to 7 of it.
double round_step(double span) {
  const double power = std::pow(10, std::floor(std::log10(span / 4)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (span / (factor * power) <= 6) return factor * power;
  return 10 * power;
}

}  // namespace

Axis Axis::around(const std::vector<double>& numbers, bool is_log, double begin, double end) {
  Axis axis{.begin = begin, .end = end, .is_log = is_log, .least_step = is_log ? 1.0 : 0.0};
  bool found = false;
  for (const double number : numbers) {
    if (!axis.shows(number)) continue;
    const double value = is_log ? std::log10(number) : number;
    axis.low = found ? std::min(axis.low, value) : value;
    axis.high = found ? std::max(axis.high, value) : value;
    found = true;
  }
  if (!found) return {.begin = begin, .end = end};
  double margin = 0.04 * (axis.high - axis.low);
  if (margin == 0) margin = axis.low == 0 ? 1 : std::abs(axis.low) / 2;
  axis.low -= margin;
  axis.high += margin;
  return axis;
}

bool Axis::shows(double number) const { return std::isfinite(number) && (!is_log || number > 0); }

double Axis::place(double number) const {
  const double value = is_log ? std::log10(number) : number;
  return begin + (value - low) / (high - low) * (end - begin);
}

std::vector<Axis::Tick> Axis::ticks() const {
  const double step = std::max(least_step, round_step(high - low));
  std::vector<Tick> found;
  const auto add = [&](double number) { found.push_back({place(number), number_text(number)}); };
  for (double i = std::ceil(low / step); i * step <= high; ++i)
    add(is_log ? std::pow(10, i * step) : i * step);
  // Less than two powers of ten: round numbers between them.
  if (is_log && found.size() < 2) {
    found.clear();
    const double least = std::pow(10, low), most = std::pow(10, high);
    const double part = round_step(most - least);
    for (double i = std::max(1.0, std::ceil(least / part)); i * part <= most; ++i) add(i * part);
  }
  return found;
}

}  // namespace d2l::examples
