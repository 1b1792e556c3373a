#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace d2l::launcher {

// The result of the training that evaluates on one fold.
struct FoldResult {
  int64_t fold = 0;
  int64_t train_samples = 0, test_samples = 0;
  int64_t step = 0;
  std::vector<double> values;  // NaN: not known
};

// A number of each fold.
struct FoldValue {
  std::string name;   // in kfold.csv: "test_accuracy"
  std::string label;  // on the terminal: "test acc"
};

// Mean and standard deviation (with n - 1) of the folds; NaN if a value is not known.
struct Spread {
  double mean = 0, deviation = 0;
};
Spread spread_of(const std::vector<double>& values);

// One line for each fold, in the order of `results`, then "mean" and "std".
std::string folds_csv(const std::vector<FoldValue>& names, const std::vector<FoldResult>& results);
std::string folds_table(const std::vector<FoldValue>& names,
                        const std::vector<FoldResult>& results);

// One line, which parse_fold_result() reads back to the same bits. Throws Error for another line.
std::string to_text(const FoldResult& result);
FoldResult parse_fold_result(const std::string& line);

}  // namespace d2l::launcher
