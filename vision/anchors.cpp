#include "vision/anchors.h"

#include <cmath>

#include "vision/boxes.h"

namespace d2l::vision {
namespace {

void check_positive(const char* what, const std::vector<double>& values) {
  check(!values.empty(), "anchors: expected at least one ", what, ", found none");
  for (const double value : values)
    check(std::isfinite(value) && value > 0, "anchors: expected every ", what,
          " to be positive, found ", value);
}

}  // namespace

Tensor anchors(Backend& backend, int64_t height, int64_t width, const std::vector<double>& sizes,
               const std::vector<double>& ratios) {
  check(height > 0 && width > 0, "anchors: expected at least one pixel, found ", height, " x ",
        width);
  check_positive("size", sizes);
  check_positive("ratio", ratios);

  // the halves of width and height, which are the same for all pixels
  std::vector<std::pair<double, double>> halves;
  const auto add = [&](double size, double ratio) {
    const double shape = static_cast<double>(height) / static_cast<double>(width);
    halves.emplace_back(size * std::sqrt(ratio) * shape / 2, size / std::sqrt(ratio) / 2);
  };
  for (const double size : sizes) add(size, ratios[0]);
  for (size_t i = 1; i < ratios.size(); ++i) add(sizes[0], ratios[i]);

  Tensor result(backend, {height * width * static_cast<int64_t>(halves.size()), 4});
  check_boxes("anchors", result);
  auto* to = result.data<float>();
  for (int64_t i = 0; i < height; ++i)
    for (int64_t j = 0; j < width; ++j) {
      const double x = (static_cast<double>(j) + .5) / static_cast<double>(width);
      const double y = (static_cast<double>(i) + .5) / static_cast<double>(height);
      for (const auto& [half_width, half_height] : halves)
        for (const double value :
             {x - half_width, y - half_height, x + half_width, y + half_height})
          *to++ = static_cast<float>(value);
    }
  return result;
}

}  // namespace d2l::vision
