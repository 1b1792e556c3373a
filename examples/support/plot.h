#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "framework/tensor/tensor.h"

namespace d2l::examples {

// Numbers to draw: plot.line(x, y) with tensors or lists.
class Values {
 public:
  Values(const Tensor& tensor) : numbers_(tensor.to_vector<double>()) {}
  Values(std::vector<double> numbers) : numbers_(std::move(numbers)) {}
  const std::vector<double>& numbers() const { return numbers_; }

 private:
  std::vector<double> numbers_;
};

// A figure with axes, as an SVG file. Numbers that are not finite are left out.
//
//     Plot plot("A function and its tangent", "x", "f(x)");
//     plot.line("f(x)", x, f).line("tangent", x, tangent);
//     plot.save("tangent.svg");
class Plot {
 public:
  explicit Plot(std::string title, std::string x_label = "", std::string y_label = "")
      : title_(std::move(title)), x_label_(std::move(x_label)), y_label_(std::move(y_label)) {}

  // With this label in the legend; "": none. x and y have equally many numbers.
  Plot& line(const std::string& label, const Values& x, const Values& y);
  Plot& points(const std::string& label, const Values& x, const Values& y);
  // Powers of ten on the vertical axis; numbers that are not positive are left out.
  Plot& log_y();
  // Shows this range on the vertical axis, whatever the numbers are.
  Plot& y_range(double low, double high);

  std::string svg() const;
  // Makes the folder if necessary. Throws Error.
  void save(const std::filesystem::path& file) const;

 private:
  struct Series {
    std::string label;
    bool is_line = true;
    std::vector<double> x, y;
  };
  void add(const std::string& label, const Values& x, const Values& y, bool is_line);

  std::string title_, x_label_, y_label_;
  std::vector<Series> series_;
  bool log_y_ = false;
  std::vector<double> y_range_;
};

// A matrix as coloured cells with a colour scale, as an SVG file: attention weights. The rows of
// `values`, which has 2 axes, go from the top to the bottom.
std::string heat_map_svg(const std::string& title, const Tensor& values, const std::string& x_label,
                         const std::string& y_label);
void save_heat_map(const std::filesystem::path& file, const std::string& title,
                   const Tensor& values, const std::string& x_label, const std::string& y_label);

}  // namespace d2l::examples
