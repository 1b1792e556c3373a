#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "data/table/table_form.h"

namespace d2l::data {

// What replaces a missing number; `drop`: rows with a missing number are left out.
enum class Impute { mean, median, zero, drop };

struct TableFitOptions {
  std::string target{};
  std::string id_column{};                            // empty: none
  std::vector<std::string> ignored{};                 // columns that are left out
  std::vector<std::string> categorical{}, numeric{};  // columns of a stated kind
  std::vector<std::string> missing = usual_missing_words();
  Impute impute = Impute::mean;
  bool standardize = true;
};

struct TableFit {
  TableForm form;
  std::vector<std::string> notes{};  // what a user should know, one line each
  int64_t rows = 0;                  // from which the columns were found
  // Name of a column of `form`, and its missing values in these rows.
  std::vector<std::pair<std::string, int64_t>> missing{};
  // Of the target in `from`: rows per class, or none.
  std::vector<int64_t> class_counts{};
};

// Finds how the columns become values, from all rows of `files` (`from` if there are none). A
// column is a number if all its values are numbers or missing, otherwise a category. Means,
// deviations (with n - 1) and medians are of the values that are present; with Impute::drop, of the
// rows that are not left out. The target and its classes come from `from` alone; the other files
// may lack this column. A row of `from` without a target is an error, except that Impute::drop
// leaves it out.
//
// Throws UsageError for a name of a column that does not exist or is used twice, and Error naming
// file, line and column for values that do not fit. `check_stopped` throws to end the work.
TableFit fit_table(
    const std::filesystem::path& from, const std::vector<std::filesystem::path>& files,
    const TableFitOptions& options, const std::function<void()>& check_stopped = [] {});

}  // namespace d2l::data
