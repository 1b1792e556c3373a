#include "data/table/encode_rows.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "data/table/csv.h"
#include "framework/base/error.h"
#include "framework/base/text.h"

namespace d2l::data {
namespace {

using Kind = TableColumn::Kind;

constexpr size_t kShownBytes = 60;
constexpr size_t kMostUnknownNotes = 10;

std::string shown(const std::string& field) { return "'" + field.substr(0, kShownBytes) + "'"; }

std::string count_text(int64_t count, const std::string& one, const std::string& many) {
  return concat(with_thousands(count), " ", count == 1 ? one : many);
}

std::unordered_map<std::string_view, size_t> positions_of(const std::vector<std::string>& names) {
  std::unordered_map<std::string_view, size_t> positions;
  for (size_t i = 0; i < names.size(); ++i) positions.emplace(names[i], i);
  return positions;
}

class RowEncoder {
 public:
  RowEncoder(CsvReader& reader, const TableForm& form, const EncodeOptions& options);

  EncodeResult run();

 private:
  struct Place {
    const TableColumn& column;
    size_t field;                                            // in the file
    std::unordered_map<std::string_view, size_t> positions;  // of the categories
    int64_t unknown = 0;                                     // rows with another category
    std::string example{};
  };

  template <class... Parts>
  [[noreturn]] void fail_at(const std::string& column, const Parts&... parts) const {
    fail(reader_.place(), ": column '", column, "': ", parts...);
  }
  // Nothing: the row is left out.
  bool add_row();
  float number_of(const Place& place, const std::string& field);
  void encode(Place& place, float* into);
  void add_target();
  float as_float(const std::string& column, double value) const;
  void add_notes();

  CsvReader& reader_;
  const TableForm& form_;
  const EncodeOptions& options_;
  const bool drops_;
  std::vector<Place> places_;
  std::optional<size_t> target_, id_;
  std::unordered_map<std::string_view, size_t> classes_;
  int64_t without_target_ = 0, replaced_ = 0;
  std::string first_without_target_;
  EncodeResult result_;
};

RowEncoder::RowEncoder(CsvReader& reader, const TableForm& form, const EncodeOptions& options)
    : reader_(reader),
      form_(form),
      options_(options),
      drops_(form.parts().drops_rows && !options.for_predictions),
      target_(reader.find(form.target().name)),
      classes_(positions_of(form.target().classes)) {
  std::vector<std::string> missing;
  for (const TableColumn& column : form.columns()) {
    const std::optional<size_t> field = reader.find(column.name);
    if (field)
      places_.push_back({column, *field, positions_of(column.categories)});
    else
      missing.push_back(column.name);
  }
  check(missing.empty(), reader.name(), ": expected the ", form.columns().size(),
        " columns of the training data, found none with the name ",
        missing.empty() ? "" : shown(missing[0]),
        missing.size() > 1 ? concat(", and ", missing.size() - 1, " more are missing") : "");
  if (!form.id_column().empty()) id_ = reader.find(form.id_column());
  if (options.for_predictions) return;
  check(target_.has_value(), reader.name(), ": expected the target column ",
        shown(form.target().name), ", found none");
  check(id_.has_value() || form.id_column().empty(), reader.name(), ": expected the id column ",
        shown(form.id_column()), ", found none");
}

EncodeResult RowEncoder::run() {
  constexpr int64_t kBetweenChecks = 1024;
  result_.rows.file = std::filesystem::path(reader_.name()).filename().string();
  for (int64_t count = 1; reader_.next(); ++count) {
    if (count % kBetweenChecks == 0) options_.check_stopped();
    if (!add_row()) ++result_.left_out;
  }
  check(result_.rows.rows() > 0, reader_.name(), ": expected rows after the header, found ",
        result_.left_out == 0 ? "none" : "only rows with a missing number or without a target");
  result_.has_targets = without_target_ == 0;
  add_notes();
  return std::move(result_);
}

bool RowEncoder::add_row() {
  const std::vector<std::string>& fields = reader_.fields();
  if (drops_) {
    if (form_.is_missing(fields[*target_])) return false;
    for (const Place& place : places_)
      if (place.column.kind == Kind::number && form_.is_missing(fields[place.field])) return false;
  }
  EncodedRows& rows = result_.rows;
  rows.lines.push_back(reader_.line());
  if (id_) rows.ids.push_back(fields[*id_]);
  const size_t begin = rows.values.size();
  rows.values.resize(begin + static_cast<size_t>(form_.values()));
  float* into = rows.values.data() + begin;
  for (Place& place : places_) {
    encode(place, into);
    into += place.column.values();
  }
  add_target();
  return true;
}

void RowEncoder::encode(Place& place, float* into) {
  const std::string& field = reader_.fields()[place.field];
  if (place.column.kind == Kind::number) {
    *into = number_of(place, field);
    return;
  }
  if (form_.is_missing(field)) {
    into[place.column.categories.size()] = 1;
    return;
  }
  const auto found = place.positions.find(field);
  if (found != place.positions.end()) {
    into[found->second] = 1;
    return;
  }
  if (place.unknown++ == 0) place.example = shown(field) + " (" + reader_.place() + ")";
}

float RowEncoder::number_of(const Place& place, const std::string& field) {
  const TableColumn& column = place.column;
  double number = column.replacement;
  if (form_.is_missing(field)) {
    ++replaced_;
  } else {
    const std::optional<double> parsed = parse_number(field);
    if (!parsed) fail_at(column.name, "expected a number or no value, found ", shown(field));
    number = *parsed;
  }
  if (column.deviation == 0) return 0;
  return as_float(column.name, (number - column.mean) / column.deviation);
}

float RowEncoder::as_float(const std::string& column, double value) const {
  const float number = static_cast<float>(value);
  if (!std::isfinite(number))
    fail_at(column, "expected a number that 32-bit floats can hold, found ", value);
  return number;
}

void RowEncoder::add_target() {
  const TargetColumn& target = form_.target();
  const bool is_missing = !target_ || form_.is_missing(reader_.fields()[*target_]);
  if (is_missing && !options_.for_predictions)
    fail_at(target.name, "expected a target, found none");
  if (is_missing && without_target_++ == 0) first_without_target_ = reader_.place();
  const std::string field = is_missing ? std::string() : reader_.fields()[*target_];
  if (!target.is_category()) {
    const std::optional<double> number = is_missing ? 0 : parse_number(field);
    if (!number) fail_at(target.name, "expected a number, found ", shown(field));
    result_.rows.targets.push_back(as_float(target.name, *number));
    return;
  }
  const auto found = classes_.find(field);
  if (!is_missing && found == classes_.end())
    fail_at(target.name, "expected a class of the training data, found ", shown(field));
  result_.rows.labels.push_back(is_missing ? 0 : static_cast<int64_t>(found->second));
}

void RowEncoder::add_notes() {
  std::vector<std::string>& notes = result_.notes;
  size_t unknown = 0;
  for (const Place& place : places_) {
    if (place.unknown == 0 || ++unknown > kMostUnknownNotes) continue;
    notes.push_back(concat(reader_.name(), ": column '", place.column.name, "': ",
                           count_text(place.unknown, "row has a category", "rows have categories"),
                           " that the training data do not have, such as ", place.example,
                           "; all values of the column are then 0"));
  }
  if (unknown > kMostUnknownNotes)
    notes.push_back(concat(reader_.name(), ": ", unknown - kMostUnknownNotes,
                           " more columns have categories that the training data do not have"));
  if (!options_.for_predictions) return;
  if (form_.parts().drops_rows && replaced_ > 0)
    notes.push_back(concat(reader_.name(), ": ", count_text(replaced_, "number is", "numbers are"),
                           " missing and replaced by the mean of the training data, which had no "
                           "rows with missing numbers"));
  if (!form_.id_column().empty() && !id_)
    notes.push_back(concat(reader_.name(), ": the id column ", shown(form_.id_column()),
                           " is missing; rows are numbered from 1"));
  if (target_ && without_target_ > 0 && without_target_ < result_.rows.rows())
    notes.push_back(concat(reader_.name(), ": ",
                           count_text(without_target_, "row has", "rows have"),
                           " no target, first in ", first_without_target_,
                           "; the targets of the other rows are not used"));
}

}  // namespace

EncodeResult encode_rows(const std::filesystem::path& csv, const TableForm& form,
                         const EncodeOptions& options) {
  CsvReader reader(csv);
  return RowEncoder(reader, form, options).run();
}

}  // namespace d2l::data
