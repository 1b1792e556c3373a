#include "data/table/table_form.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <set>
#include <system_error>
#include <utility>

#include "framework/base/error.h"
#include "framework/base/text.h"

namespace d2l::data {
namespace {

constexpr size_t kShownBytes = 60;

void check_name(const std::string& what, const std::string& name) {
  check(name.size() <= kMostCellBytes, what, ": expected at most ", kMostCellBytes,
        " bytes, found ", name.size());
  for (const char character : name) {
    const auto byte = static_cast<unsigned char>(character);
    check(byte >= 32 && byte != 127, what, " '", name.substr(0, kShownBytes),
          "': expected no control characters");
  }
}

// Checks that the names are different and usable.
void check_names(const std::string& what, const std::vector<std::string>& names) {
  std::set<std::string_view> seen;
  for (const std::string& name : names) {
    check_name(what, name);
    check(seen.insert(name).second, what, " '", name.substr(0, kShownBytes), "' occurs twice");
  }
}

void check_column(const TableColumn& column) {
  const std::string place = "column '" + column.name.substr(0, kShownBytes) + "'";
  check(std::isfinite(column.mean) && std::isfinite(column.deviation) && column.deviation >= 0 &&
            std::isfinite(column.replacement),
        place, ": expected finite numbers as mean, deviation and replacement, found ", column.mean,
        ", ", column.deviation, ", ", column.replacement);
  check(static_cast<int64_t>(column.categories.size()) <= kMostCategories, place,
        ": expected at most ", with_thousands(kMostCategories), " categories, found ",
        with_thousands(static_cast<int64_t>(column.categories.size())));
  check_names(place + ": the category", column.categories);
}

}  // namespace

std::optional<double> parse_number(std::string_view field) {
  if (field.size() > 1 && field[0] == '+' && field[1] != '-') field.remove_prefix(1);
  double number = 0;
  const char* end = field.data() + field.size();
  const auto [stop, error] = std::from_chars(field.data(), end, number);
  if (error != std::errc() || stop != end || !std::isfinite(number)) return std::nullopt;
  return number;
}

std::string exact_text(double number) {
  std::array<char, 32> text{};
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), number).ptr};
}

void sort_categories(std::vector<std::string>& names) {
  std::sort(names.begin(), names.end());
  const auto is_number = [](const std::string& name) { return parse_number(name).has_value(); };
  if (!std::all_of(names.begin(), names.end(), is_number)) return;
  std::stable_sort(names.begin(), names.end(), [](const std::string& a, const std::string& b) {
    return *parse_number(a) < *parse_number(b);
  });
}

const std::vector<std::string>& usual_missing_words() {
  static const std::vector<std::string> kWords{"NA", "N/A", "NaN", "nan", "null", "NULL"};
  return kWords;
}

TableForm::TableForm(TableFormParts parts) : parts_(std::move(parts)) {
  const TargetColumn& target = parts_.target;
  check(!target.name.empty(), "expected a target column, found none");
  check(
      target.classes.size() != 1 && static_cast<int64_t>(target.classes.size()) <= kMostCategories,
      "column '", target.name.substr(0, kShownBytes), "': expected 2 to ",
      with_thousands(kMostCategories), " classes, found ",
      with_thousands(static_cast<int64_t>(target.classes.size())));
  check(std::isfinite(target.least) && std::isfinite(target.largest) &&
            target.least <= target.largest,
        "expected targets of finite numbers, found ", target.least, " to ", target.largest);
  check_names("the class", target.classes);
  check_names("the word for a missing value", parts_.missing);
  std::vector<std::string> names{target.name};
  if (!parts_.id_column.empty()) names.push_back(parts_.id_column);
  names.insert(names.end(), parts_.ignored.begin(), parts_.ignored.end());
  for (const TableColumn& column : parts_.columns) {
    names.push_back(column.name);
    check_column(column);
    values_ += column.values();
    check(values_ <= kMostRowValues, "expected at most ", with_thousands(kMostRowValues),
          " values for each row, found more");
  }
  check_names("the column", names);
  check(std::find(names.begin(), names.end(), "") == names.end(),
        "expected columns with names, found one without");
  check(values_ > 0, "expected columns besides the target '", target.name.substr(0, kShownBytes),
        "', found none");
}

bool TableForm::is_missing(const std::string& field) const {
  return field.empty() ||
         std::find(parts_.missing.begin(), parts_.missing.end(), field) != parts_.missing.end();
}

}  // namespace d2l::data
