#include "launcher/loss_curve.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <iterator>

#include "framework/base/error.h"

namespace d2l {
namespace {

constexpr int kLabelColumns = 10;                     // left of the axis
constexpr int kFewestColumns = 8, kMostColumns = 60;  // of the curve itself

// A character is 2 dots wide and 4 high.
class Canvas {
 public:
  Canvas(int width, int height)
      : width_(width), cells_(static_cast<size_t>(width) * static_cast<size_t>(height)) {}

  // y counts down from the top.
  void dot(int x, int y) {
    constexpr uint8_t kBits[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    uint8_t& cell = cells_[index(x / 2, y / 4)];
    cell = static_cast<uint8_t>(cell | kBits[y % 4][x % 2]);
  }

  size_t index(int column, int line) const {
    return static_cast<size_t>(line) * static_cast<size_t>(width_) + static_cast<size_t>(column);
  }

  std::string row(int y, bool utf8) const {
    std::string text;
    for (int x = 0; x < width_; ++x) {
      const uint8_t cell = cells_[index(x, y)];
      text += utf8 ? braille(cell) : std::string(1, ascii(cell));
    }
    return text;
  }

 private:
  // U+2800 plus the cell's bits, in UTF-8.
  static std::string braille(uint8_t cell) {
    return {'\xE2', static_cast<char>(0xA0 | (cell >> 6)), static_cast<char>(0x80 | (cell & 0x3F))};
  }

  // Chooses the character by the rows that have dots.
  static char ascii(uint8_t cell) {
    constexpr uint8_t kTop = 0x01 | 0x08, kBottom = 0x40 | 0x80, kUpper = kTop | 0x02 | 0x10;
    if (cell == 0) return ' ';
    if ((cell & ~kUpper) == 0) return '\'';
    if ((cell & kUpper) == 0) return '.';
    return (cell & (kTop | kBottom)) == 0 ? '-' : '|';
  }

  int width_;
  std::vector<uint8_t> cells_;
};

std::vector<double> finite_points(const std::vector<double>& losses) {
  std::vector<double> points;
  std::copy_if(losses.begin(), losses.end(), std::back_inserter(points),
               [](double loss) { return std::isfinite(loss); });
  return points;
}

// Reduces to at most `count` points, each the mean of neighbouring ones.
std::vector<double> averaged(const std::vector<double>& points, size_t count) {
  if (points.size() <= count) return points;
  std::vector<double> means(count);
  for (size_t i = 0; i < count; ++i) {
    size_t first = i * points.size() / count, last = (i + 1) * points.size() / count;
    for (size_t j = first; j < last; ++j) means[i] += points[j] / static_cast<double>(last - first);
  }
  return means;
}

double value_at(const std::vector<double>& points, double position) {
  size_t left = std::min(static_cast<size_t>(position), points.size() - 1);
  size_t right = std::min(left + 1, points.size() - 1);
  double part = position - static_cast<double>(left);
  return points[left] + part * (points[right] - points[left]);
}

// Draws one dot per column, joined to the previous one by a vertical stroke.
void draw(Canvas& canvas, const std::vector<int>& heights) {
  for (size_t x = 0; x < heights.size(); ++x) {
    int from = heights[x], to = heights[x];
    if (x > 0 && heights[x - 1] < from) from = heights[x - 1] + 1;
    if (x > 0 && heights[x - 1] > to) to = heights[x - 1] - 1;
    for (int y = from; y <= to; ++y) canvas.dot(static_cast<int>(x), y);
  }
}

std::string label(double value) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%*.4g", kLabelColumns, value);
  return buffer;
}

// The heights of `columns` columns of dots, from 0 (top) to `rows` - 1.
std::vector<int> heights_of(const std::vector<double>& points, int columns, int rows) {
  const auto [low, high] = std::minmax_element(points.begin(), points.end());
  const double range = *high - *low;
  std::vector<int> heights;
  for (int x = 0; x < columns; ++x) {
    double value = value_at(points, x * static_cast<double>(points.size() - 1) / (columns - 1));
    double down = range > 0 ? (*high - value) / range : 0.5;
    heights.push_back(std::clamp(static_cast<int>(std::lround(down * (rows - 1))), 0, rows - 1));
  }
  return heights;
}

// The horizontal axis, with the first and the last step if both fit.
std::string steps_axis(size_t steps, int width, bool utf8) {
  const std::string blank(kLabelColumns, ' ');
  std::string text = blank + (utf8 ? " └" : " +");
  for (int x = 0; x < width; ++x) text += utf8 ? "─" : "-";
  const std::string last = std::to_string(steps);
  if (last.size() + 2 > static_cast<size_t>(width)) return text + "\n";
  const std::string gap(static_cast<size_t>(width) - last.size() - 1, ' ');
  return text + "\n" + blank + "  1" + gap + last + "\n";
}

}  // namespace

std::string loss_curve(const std::vector<double>& losses, const CurveForm& form) {
  check(form.height >= 2, "loss_curve: expected at least 2 lines, found ", form.height);
  const int width = std::min(form.columns - kLabelColumns - 2, kMostColumns);
  if (width < kFewestColumns) return "";
  const std::vector<double> points =
      averaged(finite_points(losses), 2 * static_cast<size_t>(width));
  if (points.empty()) return "";
  Canvas canvas(width, form.height);
  draw(canvas, heights_of(points, 2 * width, 4 * form.height));

  const auto [low, high] = std::minmax_element(points.begin(), points.end());
  std::string text;
  for (int y = 0; y < form.height; ++y) {
    bool labelled = y == 0 || y == form.height - 1;
    if (*high == *low) labelled = y == form.height / 2;
    text += labelled ? label(y == 0 ? *high : *low) : std::string(kLabelColumns, ' ');
    text += form.utf8 ? (labelled ? " ┤" : " │") : (labelled ? " +" : " |");
    text += canvas.row(y, form.utf8) + "\n";
  }
  return text + steps_axis(losses.size(), width, form.utf8);
}

}  // namespace d2l
