#include "launcher/folds_table.h"

#include <cmath>
#include <cstdio>
#include <limits>
#include <sstream>

#include "framework/base/error.h"
#include "framework/base/text.h"
#include "launcher/table.h"

namespace d2l::launcher {
namespace {

std::string printed(const char* pattern, double value) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, pattern, value);
  return buffer;
}

// As in metrics.csv.
std::string csv_number(double value) { return std::isnan(value) ? "" : printed("%.9g", value); }

std::string table_number(double value) { return std::isnan(value) ? "-" : rounded(value); }

std::vector<Spread> spreads_of(const std::vector<FoldResult>& results, size_t values) {
  std::vector<Spread> spreads;
  for (size_t i = 0; i < values; ++i) {
    std::vector<double> column;
    column.reserve(results.size());
    for (const FoldResult& result : results) column.push_back(result.values[i]);
    spreads.push_back(spread_of(column));
  }
  return spreads;
}

}  // namespace

Spread spread_of(const std::vector<double>& values) {
  const auto count = static_cast<double>(values.size());
  Spread spread;
  for (const double value : values) spread.mean += value / count;
  double squares = 0;
  for (const double value : values) squares += (value - spread.mean) * (value - spread.mean);
  spread.deviation = values.size() < 2 ? std::numeric_limits<double>::quiet_NaN()
                                       : std::sqrt(squares / (count - 1));
  return spread;
}

std::string folds_csv(const std::vector<FoldValue>& names, const std::vector<FoldResult>& results) {
  std::string text = "fold,train_samples,test_samples,step";
  for (const FoldValue& name : names) text += "," + name.name;
  text += "\n";
  for (const FoldResult& result : results) {
    text +=
        concat(result.fold, ",", result.train_samples, ",", result.test_samples, ",", result.step);
    for (const double value : result.values) text += "," + csv_number(value);
    text += "\n";
  }
  std::string mean = "mean,,,", deviation = "std,,,";
  for (const Spread& spread : spreads_of(results, names.size())) {
    mean += "," + csv_number(spread.mean);
    deviation += "," + csv_number(spread.deviation);
  }
  return text + mean + "\n" + deviation + "\n";
}

std::string folds_table(const std::vector<FoldValue>& names,
                        const std::vector<FoldResult>& results) {
  std::vector<Row> rows = {{"fold", "samples"}};
  for (const FoldValue& name : names) rows[0].push_back(name.label);
  for (const FoldResult& result : results) {
    Row& row = rows.emplace_back(Row{
        std::to_string(result.fold),
        concat(with_thousands(result.train_samples), " + ", with_thousands(result.test_samples))});
    for (const double value : result.values) row.push_back(table_number(value));
  }
  Row mean = {"mean", ""}, deviation = {"std", ""};
  for (const Spread& spread : spreads_of(results, names.size())) {
    mean.push_back(table_number(spread.mean));
    deviation.push_back(table_number(spread.deviation));
  }
  rows.push_back(mean);
  rows.push_back(deviation);
  return table(rows);
}

std::string to_text(const FoldResult& result) {
  std::string text =
      concat(result.fold, " ", result.train_samples, " ", result.test_samples, " ", result.step);
  for (const double value : result.values) text += printed(" %a", value);
  return text;
}

FoldResult parse_fold_result(const std::string& line) {
  std::istringstream words(line);
  FoldResult result;
  words >> result.fold >> result.train_samples >> result.test_samples >> result.step;
  check(!words.fail(), "expected the result of a fold, found '", line, "'");
  for (std::string word; words >> word;)
    result.values.push_back(std::strtod(word.c_str(), nullptr));
  return result;
}

}  // namespace d2l::launcher
