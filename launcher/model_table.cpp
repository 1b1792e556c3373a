#include "launcher/model_table.h"

#include <optional>

#include "framework/backend/profiler.h"
#include "framework/base/text.h"
#include "framework/nn/parameter_set.h"
#include "launcher/table.h"
#include "models/zoo.h"

namespace d2l::launcher {
namespace {

// Three significant digits: "0.416 M", "15.5 G".
std::string amount(int64_t number) {
  constexpr double kMillion = 1e6, kBillion = 1e9;
  const auto value = static_cast<double>(number);
  const bool large = value >= kBillion;
  const double scaled = value / (large ? kBillion : kMillion);
  const int digits = scaled < 1 ? 3 : scaled < 10 ? 2 : scaled < 100 ? 1 : 0;
  return fixed(scaled, digits) + (large ? " G" : " M");
}

Row row_of(const std::string& name) {
  const models::ModelOptions options = models::usual_options(name);
  const Shape& in = options.input;
  const std::unique_ptr<Backend> dry = make_dry_backend();
  Backend& backend = *dry;
  const Profiler profiler(backend);
  const auto model = models::build_model(name, options);
  const nn::ParameterSet parameters(*model, backend, std::nullopt);
  const NoGrad no_grad;
  (*model)(Variable(Tensor(backend, in.with_front(1))), {});
  int64_t multiply_adds = 0;
  for (const Cost& cost : profiler.costs()) multiply_adds += cost.multiply_adds;
  return {name, with_thousands(parameters.count()), amount(multiply_adds),
          concat(in[0], "x", in[1], "x", in[2]), std::to_string(options.classes)};
}

}  // namespace

std::string model_table() {
  std::vector<Row> rows = {{"model", "parameters", "multiply-adds", "input", "classes"}};
  for (const std::string& name : models::model_names()) rows.push_back(row_of(name));
  return table(rows);
}

}  // namespace d2l::launcher
