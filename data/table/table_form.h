#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace d2l::data {

// Of the whole project, so that a mistake does not use up all memory.
constexpr int64_t kMostCategories = 1000;           // of a column
constexpr int64_t kMostRowValues = 100'000;         // of a row
constexpr size_t kMostCellBytes = size_t{1} << 16;  // of a category, or of the name of a column

// The number that a field contains; nothing if it contains something else, or no finite number.
std::optional<double> parse_number(std::string_view field);
// The shortest text that parse_number() reads as exactly this number.
std::string exact_text(double number);

// Sorts names of categories: by number if all of them are numbers, otherwise by their bytes.
void sort_categories(std::vector<std::string>& names);

// The fields that mean "no value" unless the user names others.
const std::vector<std::string>& usual_missing_words();

// A column that becomes values of a row.
struct TableColumn {
  enum class Kind { number, category };

  std::string name{};
  Kind kind = Kind::number;

  // Number: v becomes (v - mean) / deviation; 0 if deviation is 0, for a column of only one number.
  // Missing numbers become `replacement` first.
  double mean = 0, deviation = 1, replacement = 0;

  // Category: one value for each of these (1 in rows of this category, otherwise 0), and a last one
  // for "missing". All are 0 for a category that is not among them.
  std::vector<std::string> categories{};

  int64_t values() const {
    return kind == Kind::number ? 1 : static_cast<int64_t>(categories.size()) + 1;
  }
};

// The column that a network learns to predict.
struct TargetColumn {
  std::string name{};
  std::vector<std::string> classes{};  // empty: the targets are numbers
  double least = 0, largest = 0;       // of the numbers

  bool is_category() const { return !classes.empty(); }
};

struct TableFormParts {
  TargetColumn target{};
  std::string id_column{};  // its text names a row; empty: none
  std::vector<std::string> missing = usual_missing_words();
  std::vector<std::string> ignored{};  // columns of the training data that are no values
  bool drops_rows = false;  // rows of the training data with a missing number were left out
  std::vector<TableColumn> columns{};
};

// How the columns of a CSV file become the values of a row and its target. Found once, from the
// training data; test data and data for predictions get the same form.
class TableForm {
 public:
  // Throws Error for parts that contradict each other: columns of the same name, names with control
  // characters, numbers that are not finite, too many values.
  explicit TableForm(TableFormParts parts);

  // The form as text, and back: parse(form.text()) is the same form. The text is not trusted:
  // parse() throws Error, naming the line, for everything that text() does not write.
  //
  //   d2l-table 1
  //   target-numbers "SalePrice" 34900 755000
  //   id "Id"
  //   missing "" "NA"
  //   ignored "Utilities"
  //   drops-rows
  //   number "LotArea" MEAN DEVIATION REPLACEMENT
  //   category "Street" "Grvl" "Pave"
  //
  // target-classes "species" "setosa" ... for classes. Lines without content are absent. '"' and
  // '\' in names have a '\' before them.
  std::string text() const;
  static TableForm parse(const std::string& text);

  int64_t values() const { return values_; }  // of a row
  const TargetColumn& target() const { return parts_.target; }
  const std::string& id_column() const { return parts_.id_column; }
  const std::vector<TableColumn>& columns() const { return parts_.columns; }
  const TableFormParts& parts() const { return parts_; }

  // Whether a field (without blanks around it) means "no value"; the empty one always does.
  bool is_missing(const std::string& field) const;

 private:
  TableFormParts parts_;
  int64_t values_ = 0;
};

}  // namespace d2l::data
