#include "launcher/predict/number_report.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "framework/base/text.h"

namespace d2l::predict {
namespace {

// The fewest digits that bring the number back.
std::string digits_of(float number) {
  char digits[32];
  return {digits, std::to_chars(digits, digits + sizeof digits, number).ptr};
}

double log_of(float number) { return std::log(std::max(double{number}, 1.0)); }

std::string metric_text(const char* name, double value) { return concat(", ", name, " ", value); }

}  // namespace

std::string NumberReport::csv() const {
  std::string text = concat(csv_field(rows.key), ",", csv_field(rows.target), "\n");
  for (size_t i = 0; i < predictions.samples.size(); ++i)
    text += concat(csv_field(rows.name_of(predictions.samples[i])), ",",
                   digits_of(predictions.values[i]), "\n");
  return text;
}

std::string NumberReport::summary() const {
  const size_t count = predictions.samples.size();
  std::string text =
      concat(with_thousands(static_cast<int64_t>(count)), count == 1 ? " row" : " rows");
  if (!rows.has_targets || count == 0) return text + "\n";
  double squares = 0, sizes = 0, log_squares = 0;
  for (size_t i = 0; i < count; ++i) {
    const float value = predictions.values[i], target = predictions.targets[i];
    const double error = double{value} - target, in_logs = log_of(value) - log_of(target);
    squares += error * error;
    sizes += std::abs(error);
    log_squares += in_logs * in_logs;
  }
  const auto rows_count = static_cast<double>(count);
  text +=
      metric_text("rmse", std::sqrt(squares / rows_count)) + metric_text("mae", sizes / rows_count);
  if (log_error) text += metric_text("log_rmse", std::sqrt(log_squares / rows_count));
  return text + "\n";
}

}  // namespace d2l::predict
