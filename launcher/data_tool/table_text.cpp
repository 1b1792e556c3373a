#include "launcher/data_tool/table_text.h"

#include <algorithm>
#include <cmath>
#include <system_error>

#include "framework/base/error.h"
#include "framework/base/text.h"

namespace d2l::data_tool {

namespace fs = std::filesystem;
using namespace d2l::data;

namespace {

constexpr size_t kShownClasses = 10;

std::string count_text(int64_t count, const std::string& one, const std::string& many) {
  return concat(with_thousands(count), " ", count == 1 ? one : many);
}

}  // namespace

std::string number_words(double number) {
  constexpr double kWhole = 1e15;
  if (number == std::floor(number) && std::abs(number) < kWhole)
    return with_thousands(static_cast<int64_t>(number));
  return concat(number);  // six digits
}

std::string columns_text(const TableForm& form) {
  const auto numbers = std::count_if(
      form.columns().begin(), form.columns().end(),
      [](const TableColumn& column) { return column.kind == TableColumn::Kind::number; });
  const auto categories = static_cast<int64_t>(form.columns().size()) - numbers;
  std::string text;
  if (numbers > 0) text = count_text(numbers, "number", "numbers");
  if (numbers > 0 && categories > 0) text += " and ";
  if (categories > 0) text += count_text(categories, "category", "categories");
  return concat(text, form.columns().size() == 1 ? " gives " : " give ",
                count_text(form.values(), "value", "values"), " for each row");
}

std::string target_text(const TargetColumn& target, const std::vector<int64_t>& counts) {
  if (!target.is_category())
    return concat(target.name, ": numbers from ", number_words(target.least), " to ",
                  number_words(target.largest));
  std::vector<std::string> classes;
  for (size_t i = 0; i < std::min(counts.size(), kShownClasses); ++i)
    classes.push_back(target.classes[i] + " " + with_thousands(counts[i]));
  if (counts.size() > kShownClasses) classes.emplace_back("...");
  return concat(target.name, ": ", target.classes.size(), " classes: ", join(classes, ", "));
}

std::vector<fs::path> table_files(const fs::path& path) {
  std::vector<fs::path> files;
  std::error_code ignored;
  const bool is_folder = fs::is_directory(path, ignored);
  for (const Split split : {Split::train, Split::test}) {
    const std::string name = packed_table_name(split);
    if (is_folder && fs::exists(fs::symlink_status(path / name, ignored)))
      files.push_back(path / name);
    if (!is_folder && path.filename() == name) files.push_back(path);
  }
  return files;
}

void refuse_table(const std::string& command, const fs::path& path) {
  check(table_files(path).empty(), path.string(), ": expected images, found a table; d2l-data ",
        command, " is for images, and d2l-data info describes tables");
}

}  // namespace d2l::data_tool
