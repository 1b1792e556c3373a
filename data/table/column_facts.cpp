#include "data/table/column_facts.h"

#include <algorithm>
#include <cmath>

#include "framework/base/error.h"
#include "framework/base/text.h"

namespace d2l::data {
namespace {

constexpr size_t kShownBytes = 60;
constexpr size_t kFewNumbers = 20;

std::string shown(const std::string& field) { return "'" + field.substr(0, kShownBytes) + "'"; }

// "3,5" and "1,234,567": numbers for people.
bool is_comma_number(const std::string& field) {
  std::string digits;
  std::copy_if(field.begin(), field.end(), std::back_inserter(digits),
               [](char c) { return c != ','; });
  return digits.size() < field.size() && field.front() != ',' && field.back() != ',' &&
         parse_number(digits).has_value();
}

double median_of(std::vector<double> numbers) {
  if (numbers.empty()) return 0;
  const auto middle = numbers.begin() + static_cast<ptrdiff_t>(numbers.size() / 2);
  std::nth_element(numbers.begin(), middle, numbers.end());
  if (numbers.size() % 2 == 1) return *middle;
  return *std::max_element(numbers.begin(), middle) / 2 + *middle / 2;
}

}  // namespace

void ColumnFacts::look(const std::string& field, const CsvReader& row) {
  if (parse_number(field)) {
    ++numbers_;
    return;
  }
  if (stated_ == Kind::number)
    fail(row.place(), ": column '", name_, "': expected a number or no value, found ",
         shown(field));
  comma_numbers_ += is_comma_number(field);
  if (texts_++ > 0) return;
  first_text_ = field;
  first_text_place_ = row.place();
}

TableColumn::Kind ColumnFacts::kind() const {
  if (stated_) return *stated_;
  return texts_ == 0 ? Kind::number : Kind::category;
}

void ColumnFacts::add(const std::string& field, const CsvReader& row) {
  ++present_;
  if (kind() == Kind::number) {
    const std::optional<double> number = parse_number(field);
    if (!number)
      fail(row.place(), ": column '", name_, "': expected a number, found ", shown(field));
    add_number(*number);
    return;
  }
  if (field.size() > kMostCellBytes)
    fail(row.place(), ": column '", name_, "': expected at most ", kMostCellBytes, " bytes, found ",
         field.size(), advice_);
  const bool is_plain =
      std::none_of(field.begin(), field.end(), [](char c) { return (c & 0xE0) == 0 || c == 127; });
  if (!is_plain)
    fail(row.place(), ": column '", name_, "': expected a category without control characters, ",
         "found ", shown(field), advice_);
  ++counts_[field];
  if (static_cast<int64_t>(counts_.size()) > kMostCategories)
    fail(row.place(), ": column '", name_, "': expected at most ", with_thousands(kMostCategories),
         " different categories, found more, such as ", shown(field), advice_);
}

// Welford, "Note on a method for calculating corrected sums of squares and products", 1962.
void ColumnFacts::add_number(double number) {
  const double distance = number - mean_;
  mean_ += distance / static_cast<double>(present_);
  squares_ += distance * (number - mean_);
  least_ = present_ == 1 ? number : std::min(least_, number);
  largest_ = present_ == 1 ? number : std::max(largest_, number);
  if (keeps_numbers_) kept_.push_back(number);
  whole_ = whole_ && number == std::floor(number);
  if (whole_ && few_.size() <= kFewNumbers &&
      std::find(few_.begin(), few_.end(), number) == few_.end())
    few_.push_back(number);
}

TableColumn ColumnFacts::column(Impute impute, bool standardize) const {
  TableColumn column;
  column.name = name_;
  column.kind = kind();
  if (column.kind == Kind::category) {
    column.categories = categories();
    return column;
  }
  check(std::isfinite(mean_) && std::isfinite(squares_), "column '", name_,
        "': expected numbers whose mean and deviation are finite, found ", least_, " to ",
        largest_);
  column.replacement = impute == Impute::zero     ? 0
                       : impute == Impute::median ? median_of(kept_)
                                                  : mean_;
  if (!standardize) return column;
  column.mean = mean_;
  column.deviation =
      least_ == largest_ ? 0 : std::sqrt(squares_ / static_cast<double>(present_ - 1));
  return column;
}

std::vector<std::string> ColumnFacts::categories() const {
  std::vector<std::string> names;
  names.reserve(counts_.size());
  for (const auto& [name, count] : counts_) names.push_back(name);
  sort_categories(names);
  return names;
}

bool ColumnFacts::has_few_integers() const {
  return kind() == Kind::number && whole_ && few_.size() > 1 && few_.size() <= kFewNumbers;
}

std::string ColumnFacts::doubt() const {
  if (stated_ || texts_ == 0) return "";
  const std::string begin = "column '" + name_ + "' is a category, because of " +
                            shown(first_text_) + " (" + first_text_place_ + ")";
  if (comma_numbers_ > 0 && comma_numbers_ == texts_)
    return begin + ": numbers must have a decimal point, and no commas";
  if (numbers_ > texts_)
    return concat(begin, ", but ", with_thousands(numbers_), " of its ",
                  with_thousands(numbers_ + texts_), " values are numbers");
  return "";
}

}  // namespace d2l::data
