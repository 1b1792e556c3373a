#include "framework/train/loss_curve.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <iterator>

#include "framework/base/error.h"

namespace d2l {
namespace {

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

  // The characters are U+2800 plus the cell's bits, in UTF-8.
  std::string row(int y) const {
    std::string text;
    for (int x = 0; x < width_; ++x) {
      uint8_t cell = cells_[index(x, y)];
      text += '\xE2';
      text += static_cast<char>(0xA0 | (cell >> 6));
      text += static_cast<char>(0x80 | (cell & 0x3F));
    }
    return text;
  }

 private:
  int width_;
  std::vector<uint8_t> cells_;
};

std::vector<double> finite_points(const std::vector<double>& losses) {
  std::vector<double> points;
  std::copy_if(losses.begin(), losses.end(), std::back_inserter(points),
               [](double loss) { return std::isfinite(loss); });
  return points;
}

// At most `count` points, each the mean of neighbours.
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

// One dot per column, joined to the one before by a vertical stroke.
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
  std::snprintf(buffer, sizeof buffer, "%10.4g", value);
  return buffer;
}

}  // namespace

std::string loss_curve(const std::vector<double>& losses, int width, int height) {
  check(width >= 8 && height >= 2, "loss_curve: expected at least 8 x 2 characters, found ", width,
        " x ", height);
  const int columns = 2 * width, rows = 4 * height;
  const std::vector<double> points = averaged(finite_points(losses), static_cast<size_t>(columns));
  if (points.empty()) return "";
  const auto [low, high] = std::minmax_element(points.begin(), points.end());
  const double range = *high - *low;

  std::vector<int> heights;
  for (int x = 0; x < columns; ++x) {
    double value = value_at(points, x * static_cast<double>(points.size() - 1) / (columns - 1));
    double down = range > 0 ? (*high - value) / range : 0.5;
    heights.push_back(std::clamp(static_cast<int>(std::lround(down * (rows - 1))), 0, rows - 1));
  }
  Canvas canvas(width, height);
  draw(canvas, heights);

  std::string text;
  const std::string blank(label(0).size(), ' ');
  for (int y = 0; y < height; ++y) {
    bool labelled = y == 0 || y == height - 1;
    if (range == 0) labelled = y == height / 2;
    text += labelled ? label(y == 0 ? *high : *low) : blank;
    text += (labelled ? " ┤" : " │") + canvas.row(y) + "\n";
  }
  text += blank + " └";
  for (int x = 0; x < width; ++x) text += "─";
  const std::string last = std::to_string(losses.size());
  const size_t gap = static_cast<size_t>(width) - std::min<size_t>(last.size() + 1, width);
  return text + "\n" + blank + "  1" + std::string(gap, ' ') + last + "\n";
}

}  // namespace d2l
