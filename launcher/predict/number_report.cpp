#include "launcher/predict/number_report.h"

#include <charconv>

#include "framework/base/text.h"
#include "framework/tensor/create.h"

namespace d2l::predict {
namespace {

// The fewest digits that bring the number back.
std::string digits_of(float number) {
  char digits[32];
  return {digits, std::to_chars(digits, digits + sizeof digits, number).ptr};
}

// The average of one number per row.
double average_of(const Tensor& numbers) {
  double sum = 0;
  for (const float number : numbers.to_vector<float>()) sum += number;
  return sum / static_cast<double>(numbers.elements());
}

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
  const auto n = static_cast<int64_t>(count);
  const Objective::Result result =
      objective(Variable(from_vector(host, Shape{n, 1}, predictions.values)),
                from_vector(host, Shape{n}, predictions.targets), Objective::Phase::evaluation);
  for (size_t i = 0; i < result.numbers.size(); ++i) {
    const Metric& metric = objective.metrics()[i];
    text += concat(", ", metric.name, " ", metric.of_average(average_of(result.numbers[i])));
  }
  return text + "\n";
}

}  // namespace d2l::predict
