#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "data/table/table_form.h"

namespace d2l::data {

// Rows of a CSV file in the form of the training data.
struct EncodedRows {
  std::string file{};              // the name of the CSV file, without its folder
  std::vector<float> values{};     // [rows, form.values()]
  std::vector<int64_t> labels{};   // of each row; empty if the targets are numbers
  std::vector<float> targets{};    // of each row; empty if they are classes
  std::vector<std::string> ids{};  // of each row; empty if there is no id column
  std::vector<int64_t> lines{};    // of each row, in the file, from 1

  int64_t rows() const { return static_cast<int64_t>(lines.size()); }
};

struct EncodeOptions {
  // For predictions: columns of the target and the id may be missing, also single targets; targets
  // are then 0. No row is left out, but missing numbers are replaced also if the training left such
  // rows out.
  bool for_predictions = false;
  std::function<void()> check_stopped = [] {};  // throws to end the work
};

struct EncodeResult {
  EncodedRows rows{};
  bool has_targets = true;  // all rows have one
  int64_t left_out = 0;     // rows without a target or with a missing number, see drops_rows
  std::vector<std::string> notes{};  // such as categories that the form does not have
};

// Reads a CSV file. Columns are found by their names, in any order; columns that the form does not
// have are ignored. Throws Error naming file, line and column for a missing column, a text instead
// of a number, a number that f32 cannot hold, an unknown class, and a file without rows.
EncodeResult encode_rows(const std::filesystem::path& csv, const TableForm& form,
                         const EncodeOptions& options = {});

}  // namespace d2l::data
