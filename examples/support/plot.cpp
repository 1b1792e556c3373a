#include "examples/support/plot.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <sstream>

#include "examples/support/axis.h"
#include "examples/support/svg.h"
#include "framework/base/error.h"

namespace d2l::examples {
namespace {

constexpr double kWidth = 560, kHeight = 360, kLegend = 150;
constexpr double kLeft = 64, kRight = 16, kTop = 36, kBottom = 48;
constexpr std::array<const char*, 6> kColours = {"#1f77b4", "#d62728", "#2ca02c",
                                                 "#9467bd", "#ff7f0e", "#17becf"};

void draw_axes(Svg& svg, const Axis& x, const Axis& y) {
  for (const Axis::Tick& tick : x.ticks()) {
    svg.line(tick.place, y.begin, tick.place, y.end, "#e4e4e4");
    svg.text(tick.place, y.begin + 16, tick.text);
  }
  for (const Axis::Tick& tick : y.ticks()) {
    svg.line(x.begin, tick.place, x.end, tick.place, "#e4e4e4");
    svg.text(x.begin - 6, tick.place + 4, tick.text, "end");
  }
  svg.rect(x.begin, y.end, x.end - x.begin, y.begin - y.end, "none", "#444");
}

void draw_titles(Svg& svg, const std::string& title, const std::string& x_label,
                 const std::string& y_label, double width, double height) {
  svg.text(width / 2, 22, title, "middle", "font-size='14' font-weight='bold'");
  svg.text(width / 2, height - 10, x_label);
  svg.text(16, height / 2, y_label, "middle",
           concat("transform='rotate(-90 16 ", height / 2, ")'"));
}

// From white to dark blue; `share` from 0 to 1.
std::string cell_colour(double share) {
  const auto mixed = [&](double low, double high) {
    return static_cast<int>(std::lround(low + share * (high - low)));
  };
  return concat("rgb(", mixed(247, 8), ",", mixed(251, 48), ",", mixed(255, 107), ")");
}

}  // namespace

void Plot::add(const std::string& label, const Values& x, const Values& y, bool is_line) {
  check(x.numbers().size() == y.numbers().size(), "plot: expected as many x as y, found ",
        x.numbers().size(), " and ", y.numbers().size());
  series_.push_back({.label = label, .is_line = is_line, .x = x.numbers(), .y = y.numbers()});
}

Plot& Plot::line(const std::string& label, const Values& x, const Values& y) {
  add(label, x, y, true);
  return *this;
}

Plot& Plot::points(const std::string& label, const Values& x, const Values& y) {
  add(label, x, y, false);
  return *this;
}

Plot& Plot::log_y() {
  log_y_ = true;
  return *this;
}

Plot& Plot::y_range(double low, double high) {
  y_range_ = {low, high};
  return *this;
}

std::string Plot::svg() const {
  std::vector<double> xs, ys = y_range_;
  for (const Series& series : series_) {
    xs.insert(xs.end(), series.x.begin(), series.x.end());
    if (y_range_.empty()) ys.insert(ys.end(), series.y.begin(), series.y.end());
  }
  const Axis x = Axis::around(xs, false, kLeft, kWidth - kRight);
  const Axis y = Axis::around(ys, log_y_, kHeight - kBottom, kTop);
  const bool has_legend =
      std::ranges::any_of(series_, [](const Series& series) { return !series.label.empty(); });
  Svg svg(kWidth + (has_legend ? kLegend : 0), kHeight);
  svg.clip(kLeft, kTop, kWidth - kLeft - kRight, kHeight - kTop - kBottom);
  draw_axes(svg, x, y);
  draw_titles(svg, title_, x_label_, y_label_, kWidth, kHeight);
  double legend = kTop + 18;
  for (size_t i = 0; i < series_.size(); ++i) {
    const Series& series = series_[i];
    const char* colour = kColours[i % kColours.size()];
    std::ostringstream path;
    bool is_open = false;
    for (size_t j = 0; j < series.x.size(); ++j) {
      const bool shown = x.shows(series.x[j]) && y.shows(series.y[j]);
      if (shown && series.is_line)
        path << (is_open ? 'L' : 'M') << x.place(series.x[j]) << ' ' << y.place(series.y[j]);
      else if (shown)
        svg.circle(x.place(series.x[j]), y.place(series.y[j]), colour);
      is_open = shown;
    }
    if (series.is_line) svg.path(path.str(), colour);
    if (series.label.empty()) continue;
    svg.rect(kWidth, legend - 8, 14, 6, colour);
    svg.text(kWidth + 20, legend, series.label, "start");
    legend += 17;
  }
  return svg.finish();
}

void Plot::save(const std::filesystem::path& file) const { write_drawing(file, svg()); }

std::string heat_map_svg(const std::string& title, const Tensor& values, const std::string& x_label,
                         const std::string& y_label) {
  const std::vector<std::vector<double>> rows = values.to_rows<double>();
  check(values.elements() > 0, "heat map: expected numbers, found none");
  const std::vector<double> all = values.to_vector<double>();
  const auto [least, most] = std::ranges::minmax(all);
  const double span = most > least ? most - least : 1;
  const auto height = static_cast<double>(rows.size()), width = static_cast<double>(rows[0].size());
  const double cell = std::min(36.0, 400 / std::max(height, width));
  const double right = kLeft + width * cell, bottom = kTop + height * cell;
  const double page = std::max(right + 76, 9.0 * static_cast<double>(title.size()));
  Svg svg(page, bottom + kBottom);
  for (size_t i = 0; i < rows.size(); ++i)
    for (size_t j = 0; j < rows[i].size(); ++j)
      svg.rect(kLeft + static_cast<double>(j) * cell, kTop + static_cast<double>(i) * cell, cell,
               cell, cell_colour((rows[i][j] - least) / span));
  constexpr int kSteps = 32;
  const double step = (bottom - kTop) / kSteps;
  for (int i = 0; i < kSteps; ++i)
    svg.rect(right + 16, bottom - (i + 1) * step, 12, step + 0.5, cell_colour(i / (kSteps - 1.0)));
  Axis scale{.low = least, .high = least + span, .begin = bottom, .end = kTop};
  for (const Axis::Tick& tick : scale.ticks())
    svg.text(right + 32, tick.place + 4, tick.text, "start");
  const Axis x{.low = 0, .high = width, .begin = kLeft, .end = right, .least_step = 1};
  const Axis y{.low = 0, .high = height, .begin = kTop, .end = bottom, .least_step = 1};
  for (const Axis::Tick& tick : x.ticks())
    if (tick.place + cell / 2 < right) svg.text(tick.place + cell / 2, bottom + 16, tick.text);
  for (const Axis::Tick& tick : y.ticks())
    if (tick.place + cell / 2 < bottom)
      svg.text(kLeft - 6, tick.place + cell / 2 + 4, tick.text, "end");
  svg.rect(kLeft, kTop, right - kLeft, bottom - kTop, "none", "#444");
  draw_titles(svg, title, x_label, y_label, page, bottom + kBottom);
  return svg.finish();
}

void save_heat_map(const std::filesystem::path& file, const std::string& title,
                   const Tensor& values, const std::string& x_label, const std::string& y_label) {
  write_drawing(file, heat_map_svg(title, values, x_label, y_label));
}

}  // namespace d2l::examples
