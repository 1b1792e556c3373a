// TableForm as text.
#include <algorithm>
#include <string>
#include <utility>

#include "data/table/table_form.h"
#include "framework/base/error.h"

namespace d2l::data {
namespace {

constexpr const char* kFirstLine = "d2l-table 1";
constexpr size_t kShownBytes = 60;

void append_name(std::string& text, const std::string& name) {
  text += " \"";
  for (const char character : name) {
    if (character == '"' || character == '\\') text += '\\';
    text += character;
  }
  text += '"';
}

void append_names(std::string& text, const std::vector<std::string>& names) {
  for (const std::string& name : names) append_name(text, name);
}

void append_list(std::string& text, const char* key, const std::vector<std::string>& names) {
  if (names.empty()) return;
  text += key;
  append_names(text, names);
  text += '\n';
}

// One line of the text: a key, then names and numbers.
class FormLine {
 public:
  FormLine(std::string_view text, int64_t number) : rest_(text), number_(number) {
    const size_t end = std::min(rest_.find(' '), rest_.size());
    key_ = rest_.substr(0, end);
    rest_.remove_prefix(end);
  }

  const std::string& key() const { return key_; }
  bool at_end() const { return rest_.empty(); }

  std::string take_name() {
    require(rest_.starts_with(" \""), "a name in quotes");
    std::string name;
    for (size_t i = 2; i < rest_.size(); ++i) {
      if (rest_[i] == '"') {
        rest_.remove_prefix(i + 1);
        return name;
      }
      if (rest_[i] == '\\') ++i;
      if (i < rest_.size()) name += rest_[i];
    }
    require(false, "'\"' at the end of a name");
    return name;
  }
  std::vector<std::string> take_names() {
    std::vector<std::string> names;
    while (!at_end()) names.push_back(take_name());
    return names;
  }
  double take_number() {
    require(rest_.starts_with(' '), "a number");
    rest_.remove_prefix(1);
    const size_t end = std::min(rest_.find(' '), rest_.size());
    const std::optional<double> number = parse_number(rest_.substr(0, end));
    require(number.has_value(), "a finite number");
    rest_.remove_prefix(end);
    return number.value_or(0);
  }
  void require(bool ok, const char* expected) const {
    check(ok, "line ", number_, ": expected ", expected, ", found '", rest_.substr(0, kShownBytes),
          "'");
  }

 private:
  std::string key_;
  std::string_view rest_;
  int64_t number_;
};

// Keys in any order are read; parse() then compares the whole text with what it would write.
void read_line(FormLine& line, TableFormParts& parts) {
  const std::string& key = line.key();
  if (key == "target-numbers") {
    parts.target.name = line.take_name();
    parts.target.least = line.take_number();
    parts.target.largest = line.take_number();
  } else if (key == "target-classes") {
    parts.target.name = line.take_name();
    parts.target.classes = line.take_names();
  } else if (key == "id") {
    parts.id_column = line.take_name();
  } else if (key == "missing") {
    parts.missing = line.take_names();
  } else if (key == "ignored") {
    parts.ignored = line.take_names();
  } else if (key == "drops-rows") {
    parts.drops_rows = true;
  } else if (key == "number") {
    TableColumn& column = parts.columns.emplace_back();
    column.name = line.take_name();
    column.mean = line.take_number();
    column.deviation = line.take_number();
    column.replacement = line.take_number();
  } else {
    line.require(key == "category", "a line of the form of a table");
    TableColumn& column = parts.columns.emplace_back();
    column.name = line.take_name();
    column.kind = TableColumn::Kind::category;
    column.categories = line.take_names();
  }
  line.require(line.at_end(), "the end of the line");
}

TableForm parse_lines(std::string_view text) {
  TableFormParts parts;
  parts.missing.clear();
  for (int64_t number = 1; !text.empty(); ++number) {
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    check(end != std::string_view::npos, "line ", number, ": expected LF at its end");
    text.remove_prefix(end + 1);
    if (number == 1) {
      check(line == kFirstLine, "line 1: expected '", kFirstLine, "', found '",
            line.substr(0, kShownBytes), "'");
      continue;
    }
    FormLine words(line, number);
    read_line(words, parts);
  }
  return TableForm(std::move(parts));
}

}  // namespace

std::string TableForm::text() const {
  std::string text = kFirstLine;
  const TargetColumn& target = parts_.target;
  text += target.is_category() ? "\ntarget-classes" : "\ntarget-numbers";
  append_name(text, target.name);
  append_names(text, target.classes);
  if (!target.is_category())
    text += " " + exact_text(target.least) + " " + exact_text(target.largest);
  text += '\n';
  if (!parts_.id_column.empty()) append_list(text, "id", {parts_.id_column});
  append_list(text, "missing", parts_.missing);
  append_list(text, "ignored", parts_.ignored);
  if (parts_.drops_rows) text += "drops-rows\n";
  for (const TableColumn& column : parts_.columns) {
    const bool is_number = column.kind == TableColumn::Kind::number;
    text += is_number ? "number" : "category";
    append_name(text, column.name);
    append_names(text, column.categories);
    if (is_number)
      for (const double number : {column.mean, column.deviation, column.replacement})
        text += " " + exact_text(number);
    text += '\n';
  }
  return text;
}

TableForm TableForm::parse(const std::string& text) {
  try {
    TableForm form = parse_lines(text);
    // Two texts must not mean the same form.
    check(form.text() == text, "expected its lines in the order and the spelling of this version");
    return form;
  } catch (const Error& error) {
    fail("the form of a table is damaged: ", error.what());
  }
}

}  // namespace d2l::data
