#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "data/table/csv.h"
#include "data/table/fit_table.h"

namespace d2l::data {

// What the values of one column say. Two passes over the rows: look() decides the kind, add()
// collects what this kind needs.
class ColumnFacts {
 public:
  using Kind = TableColumn::Kind;

  // `stated`: the kind that the user wants; nothing: found from the values. `advice`: the end of
  // messages about values that cannot be categories.
  ColumnFacts(std::string name, std::optional<Kind> stated, std::string advice)
      : name_(std::move(name)), advice_(std::move(advice)), stated_(stated) {}

  const std::string& name() const { return name_; }
  // The first pass. `row`: its place is part of messages. Throws Error for a text in a column that
  // is stated to contain numbers.
  void look(const std::string& field, const CsvReader& row);
  void look_at_missing() { ++missing_; }

  Kind kind() const;  // after the first pass
  int64_t missing() const { return missing_; }

  // The second pass: a value that is present, in a row that is not left out. Throws Error for too
  // many categories.
  void add(const std::string& field, const CsvReader& row);
  void keep_numbers() { keeps_numbers_ = true; }  // for medians

  // After the second pass.
  TableColumn column(Impute impute, bool standardize) const;
  std::vector<std::string> categories() const;  // sorted
  int64_t count_of(const std::string& category) const { return counts_.at(category); }
  double least() const { return least_; }
  double largest() const { return largest_; }
  bool has_one_number() const {
    return kind() == Kind::number && present_ > 0 && least_ == largest_;
  }
  bool is_empty() const { return present_ == 0; }
  // Whether all numbers are whole, and there are only a few different ones.
  bool has_few_integers() const;
  // Why a column is a category although many of its values are numbers; empty if it is not so.
  std::string doubt() const;

 private:
  void add_number(double number);

  std::string name_, advice_;
  std::optional<Kind> stated_;
  // First pass.
  int64_t missing_ = 0, numbers_ = 0, texts_ = 0, comma_numbers_ = 0;
  std::string first_text_, first_text_place_;
  // Second pass.
  int64_t present_ = 0;
  double mean_ = 0, squares_ = 0;  // squares_: of the distances from the mean
  double least_ = 0, largest_ = 0;
  bool keeps_numbers_ = false, whole_ = true;
  std::vector<double> kept_, few_;  // few_: different numbers, up to a limit
  std::unordered_map<std::string, int64_t> counts_;
};

}  // namespace d2l::data
