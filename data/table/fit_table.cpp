#include "data/table/fit_table.h"

#include <algorithm>
#include <cctype>
#include <set>

#include "data/table/column_facts.h"
#include "data/table/csv.h"
#include "framework/base/error.h"
#include "framework/base/text.h"

namespace d2l::data {
namespace {

namespace fs = std::filesystem;
using Kind = TableColumn::Kind;
using Names = std::vector<std::string>;

bool contains(const Names& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// A name as a value of an option, as a shell needs it.
std::string option_value(const std::string& name) {
  const bool is_list = name.find_first_of(",\"") != std::string::npos;
  std::string text = is_list ? "\"" : "";
  for (const char character : name) {
    if (character == '"') text += '"';
    text += character;
  }
  if (is_list) text += '"';
  const bool is_word = std::all_of(text.begin(), text.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.';
  });
  return is_word ? text : "'" + text + "'";
}

class Fit {
 public:
  Fit(const fs::path& from, const std::vector<fs::path>& files, const TableFitOptions& options,
      const std::function<void()>& check_stopped);

  TableFit run();

 private:
  struct File {
    fs::path path;
    bool fits = false;     // its columns are looked at
    bool is_from = false;  // its target is looked at
  };
  // Called for each row of a file.
  using Visit = std::function<void(const CsvReader& row, const File& file)>;

  void check_options(const Names& header) const;
  std::optional<Kind> stated_kind(const std::string& name) const;
  void visit_rows(const Visit& visit);
  void find_places(const CsvReader& reader, const File& file);
  void look(const CsvReader& row, const File& file);
  void add(const CsvReader& row, const File& file);
  bool is_missing(const std::string& field) const;
  bool is_dropped(const CsvReader& row, const File& file) const;
  void add_notes(TableFit& fit, const CsvReader& header) const;
  TargetColumn target_column() const;
  void check_values(const std::vector<TableColumn>& columns) const;

  const fs::path& from_;
  const TableFitOptions& options_;
  const std::function<void()>& check_stopped_;
  std::vector<File> files_;
  std::vector<ColumnFacts> columns_;
  ColumnFacts target_;
  std::vector<size_t> places_;  // of the columns in the current file
  size_t target_place_ = 0;
  std::set<std::string> extra_;  // columns of other files that `from` does not have
  int64_t rows_ = 0, kept_ = 0;
};

Fit::Fit(const fs::path& from, const std::vector<fs::path>& files, const TableFitOptions& options,
         const std::function<void()>& check_stopped)
    : from_(from),
      options_(options),
      check_stopped_(check_stopped),
      target_(options.target, stated_kind(options.target), "") {
  files_.push_back({from, files.empty(), true});
  for (const fs::path& file : files) {
    std::error_code error;
    if (fs::equivalent(file, from, error))
      files_[0].fits = true;
    else
      files_.push_back({file, true, false});
  }
}

std::optional<Kind> Fit::stated_kind(const std::string& name) const {
  if (contains(options_.categorical, name)) return Kind::category;
  if (contains(options_.numeric, name)) return Kind::number;
  return std::nullopt;
}

void Fit::check_options(const Names& header) const {
  const auto require = [&](const std::string& option, const Names& names) {
    for (const std::string& name : names)
      if (!contains(header, name))
        throw UsageError(concat("--", option, ": ", unknown_name("column", name, header), " (",
                                from_.string(), ")"));
  };
  require("target", {options_.target});
  if (!options_.id_column.empty()) require("id", {options_.id_column});
  require("ignore", options_.ignored);
  require("categorical", options_.categorical);
  require("numeric", options_.numeric);
  Names roles{options_.target};
  if (!options_.id_column.empty()) roles.push_back(options_.id_column);
  roles.insert(roles.end(), options_.ignored.begin(), options_.ignored.end());
  std::set<std::string> seen;
  for (const std::string& name : roles)
    if (!seen.insert(name).second)
      throw UsageError(concat(
          "column '", name, "': expected it once in --target, --id and --ignore, found it twice"));
  for (const Names* names : {&options_.categorical, &options_.numeric})
    for (const std::string& name : *names) {
      if (name == options_.id_column || contains(options_.ignored, name))
        throw UsageError(concat("column '", name, "': --id and --ignore columns have no kind"));
      if (contains(options_.categorical, name) && contains(options_.numeric, name))
        throw UsageError(concat("column '", name, "': expected it in --categorical or in ",
                                "--numeric, found it in both"));
    }
}

void Fit::find_places(const CsvReader& reader, const File& file) {
  if (file.is_from) target_place_ = *reader.find(options_.target);
  places_.clear();
  if (!file.fits) return;
  Names missing;
  for (const ColumnFacts& column : columns_) {
    const std::optional<size_t> place = reader.find(column.name());
    if (place)
      places_.push_back(*place);
    else
      missing.push_back(column.name());
  }
  check(missing.empty(), reader.name(), ": expected the columns of ", from_.string(),
        ", found none with the name ",
        missing.empty() ? "" : join({missing.begin(), missing.begin() + 1}, ""),
        missing.size() > 1 ? concat(" and ", missing.size() - 1, " more are missing") : "");
  for (const std::string& name : reader.header())
    if (!contains(options_.ignored, name) && name != options_.target &&
        name != options_.id_column &&
        std::none_of(columns_.begin(), columns_.end(),
                     [&](const ColumnFacts& column) { return column.name() == name; }))
      extra_.insert(name);
}

void Fit::visit_rows(const Visit& visit) {
  constexpr int64_t kBetweenChecks = 1024;
  int64_t count = 0;
  for (const File& file : files_) {
    CsvReader reader(file.path);
    if (file.is_from) check_options(reader.header());  // it may have changed since
    find_places(reader, file);
    while (reader.next()) {
      if (++count % kBetweenChecks == 0) check_stopped_();
      visit(reader, file);
    }
  }
}

bool Fit::is_missing(const std::string& field) const {
  return field.empty() || contains(options_.missing, field);
}

void Fit::look(const CsvReader& row, const File& file) {
  if (file.fits) ++rows_;
  for (size_t i = 0; i < places_.size(); ++i) {
    const std::string& field = row.fields()[places_[i]];
    if (is_missing(field))
      columns_[i].look_at_missing();
    else
      columns_[i].look(field, row);
  }
  if (!file.is_from) return;
  const std::string& target = row.fields()[target_place_];
  if (!is_missing(target)) return target_.look(target, row);
  target_.look_at_missing();
  if (options_.impute != Impute::drop)
    fail(row.place(), ": column '", options_.target, "': expected a target, found ",
         target.empty() ? "none" : "'" + target + "'", "; --impute drop leaves such rows out");
}

bool Fit::is_dropped(const CsvReader& row, const File& file) const {
  if (options_.impute != Impute::drop) return false;
  if (file.is_from && is_missing(row.fields()[target_place_])) return true;
  for (size_t i = 0; i < places_.size(); ++i)
    if (columns_[i].kind() == Kind::number && is_missing(row.fields()[places_[i]])) return true;
  return false;
}

void Fit::add(const CsvReader& row, const File& file) {
  if (is_dropped(row, file)) return;
  if (file.fits) ++kept_;
  for (size_t i = 0; i < places_.size(); ++i) {
    const std::string& field = row.fields()[places_[i]];
    if (is_missing(field)) continue;
    columns_[i].add(field, row);
  }
  if (file.is_from) target_.add(row.fields()[target_place_], row);
}

TargetColumn Fit::target_column() const {
  TargetColumn target;
  target.name = options_.target;
  check(!target_.is_empty(), from_.string(), ": expected rows with a target, found none");
  if (target_.kind() == Kind::number) {
    target.least = target_.least();
    target.largest = target_.largest();
    return target;
  }
  target.classes = target_.categories();
  check(target.classes.size() > 1, from_.string(), ": column '", target.name,
        "': expected at least two classes, found only '", target.classes[0], "'");
  return target;
}

void Fit::check_values(const std::vector<TableColumn>& columns) const {
  check(!columns.empty(), from_.string(),
        ": expected columns besides --target, --id and --ignore, ", "found none");
  int64_t values = 0;
  for (const TableColumn& column : columns) values += column.values();
  const auto widest = std::max_element(
      columns.begin(), columns.end(),
      [](const TableColumn& a, const TableColumn& b) { return a.values() < b.values(); });
  check(values <= kMostRowValues, from_.string(), ": expected at most ",
        with_thousands(kMostRowValues), " values for each row, found ", with_thousands(values),
        "; column '", widest->name, "' has ", with_thousands(widest->values()),
        " of them: --ignore ", option_value(widest->name), " leaves it out");
}

void Fit::add_notes(TableFit& fit, const CsvReader& header) const {
  Names& notes = fit.notes;
  if (header.unnamed() > 0)
    notes.push_back(concat(header.name(), ": columns without a name are called by their position, ",
                           "such as 'column 1'; --ignore 'column 1' leaves it out"));
  if (options_.id_column.empty())
    for (const ColumnFacts& column : columns_) {
      std::string lower = column.name();
      for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      if (lower == "id")
        notes.push_back(concat("column '", column.name(), "' is used as a value; --id ",
                               column.name(), " makes it the name of a row"));
    }
  Names constant, empty;
  for (const ColumnFacts& column : columns_) {
    if (column.is_empty()) empty.push_back(column.name());
    if (options_.standardize && column.has_one_number()) constant.push_back(column.name());
    if (const std::string doubt = column.doubt(); !doubt.empty()) notes.push_back(doubt);
  }
  if (const std::string doubt = target_.doubt(); !doubt.empty()) notes.push_back(doubt);
  if (!constant.empty())
    notes.push_back("columns of only one number become 0: " + join(constant, ", "));
  if (!empty.empty()) notes.push_back("columns without any value: " + join(empty, ", "));
  if (!extra_.empty())
    notes.push_back(concat("columns that ", from_.string(), " does not have are not used: ",
                           join({extra_.begin(), extra_.end()}, ", ")));
  if (!fit.form.target().is_category() && target_.has_few_integers())
    notes.push_back(concat("the targets are only a few whole numbers; --categorical ",
                           option_value(options_.target), " makes them classes"));
}

TableFit Fit::run() {
  const CsvReader header(from_);
  check_options(header.header());
  for (const std::string& name : header.header()) {
    if (name == options_.target || name == options_.id_column || contains(options_.ignored, name))
      continue;
    columns_.emplace_back(name, stated_kind(name),
                          "; --ignore " + option_value(name) + " leaves the column out");
    if (options_.impute == Impute::median) columns_.back().keep_numbers();
  }
  visit_rows([&](const CsvReader& row, const File& file) { look(row, file); });
  check(rows_ > 0, files_.back().path.string(), ": expected rows after the header, found none");
  visit_rows([&](const CsvReader& row, const File& file) { add(row, file); });
  check(kept_ > 0, from_.string(), ": expected rows without missing numbers, found none");

  TableFormParts parts;
  parts.target = target_column();
  parts.id_column = options_.id_column;
  parts.missing = options_.missing;
  parts.ignored = options_.ignored;
  parts.drops_rows = options_.impute == Impute::drop;
  for (const ColumnFacts& column : columns_)
    parts.columns.push_back(column.column(options_.impute, options_.standardize));
  check_values(parts.columns);
  TableFit fit{.form = TableForm(std::move(parts)), .rows = rows_};
  for (const ColumnFacts& column : columns_)
    fit.missing.emplace_back(column.name(), column.missing());
  for (const std::string& name : fit.form.target().classes)
    fit.class_counts.push_back(target_.count_of(name));
  add_notes(fit, header);
  return fit;
}

}  // namespace

TableFit fit_table(const fs::path& from, const std::vector<fs::path>& files,
                   const TableFitOptions& options, const std::function<void()>& check_stopped) {
  return Fit(from, files, options, check_stopped).run();
}

}  // namespace d2l::data
