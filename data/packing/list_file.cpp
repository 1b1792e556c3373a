#include "data/packing/list_file.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>

#include "framework/base/error.h"
#include "framework/base/text.h"

namespace d2l::data {
namespace {

namespace fs = std::filesystem;
using Fields = std::vector<std::string>;

constexpr int64_t kMostClasses = int64_t{1} << 20;  // of the shard format
constexpr size_t kMostPathBytes = 4096;             // of Linux
constexpr size_t kMostLineBytes = 16384;

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

// Reads a list line by line.
class LineReader {
 public:
  LineReader(std::string_view text, const std::string& name) : text_(text), name_(name) {
    if (text_.starts_with("\xEF\xBB\xBF")) text_.remove_prefix(3);  // a byte order mark
  }

  bool at_end() const { return text_.empty(); }
  int64_t line() const { return line_; }

  template <class... Parts>
  [[noreturn]] void fail_at(int64_t line, const Parts&... parts) const {
    fail(name_, ", line ", line, ": ", parts...);
  }

  // What is left of the current line, without its end.
  std::string_view rest() const {
    const std::string_view window = text_.substr(0, kMostLineBytes + 1);
    std::string_view line = window.substr(0, window.find('\n'));
    if (line.size() > kMostLineBytes)
      fail_at(line_, "expected a line of at most ", kMostLineBytes, " bytes, found a longer one");
    if (line.find('\0') != std::string_view::npos)
      fail_at(line_, "expected text, found a zero byte");
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
  }

  std::string_view take_line() {
    const std::string_view line = rest();
    const size_t end = text_.find('\n');
    text_.remove_prefix(end == std::string_view::npos ? text_.size() : end + 1);
    ++line_;
    return line;
  }

  // The fields of one CSV record, which may have several lines.
  Fields take_record() {
    Fields fields;
    while (true) {
      fields.push_back(text_.starts_with('"') ? quoted_field() : plain_field());
      if (!text_.starts_with(',')) break;
      text_.remove_prefix(1);
    }
    take_line();  // only its end is left
    return fields;
  }

 private:
  std::string plain_field() {
    const std::string_view field = rest().substr(0, rest().find(','));
    if (field.find('"') != std::string_view::npos)
      fail_at(line_, "expected a quoted field to begin with '\"', found '\"' inside of ",
              field.substr(0, 80));
    text_.remove_prefix(field.size());
    return std::string(field);
  }

  std::string quoted_field() {
    const int64_t begin = line_;
    std::string field;
    for (size_t at = 1; at < text_.size(); ++at) {
      const bool is_quote = text_[at] == '"';
      if (is_quote && !text_.substr(at + 1).starts_with('"')) {
        text_.remove_prefix(at + 1);
        if (!rest().empty() && rest()[0] != ',')
          fail_at(line_, "expected ',' or the end of the line after a quoted field, found ",
                  rest().substr(0, 80));
        return field;
      }
      if (is_quote) ++at;
      if (text_[at] == '\n') ++line_;
      if (text_[at] == '\0') fail_at(line_, "expected text, found a zero byte");
      field += text_[at];
      if (field.size() > kMostLineBytes) break;
    }
    fail_at(begin, "expected '\"' at the end of the quoted field, found none");
  }

  std::string_view text_;
  const std::string& name_;
  int64_t line_ = 1;
};

std::string_view trimmed(std::string_view text) {
  constexpr const char* kBlanks = " \t";
  const size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

// Which columns of a CSV file are path and label.
struct Columns {
  size_t path = 0, label = 1, count = 2;
  bool header = false;
};

std::optional<size_t> column_of(const Fields& header, const std::set<std::string>& names) {
  for (size_t i = 0; i < header.size(); ++i)
    if (names.count(lower(std::string(trimmed(header[i])))) > 0) return i;
  return std::nullopt;
}

Columns columns_of(const Fields& first, const LineReader& reader) {
  static const std::set<std::string> kPaths = {"path",       "file",     "filename", "file_name",
                                               "image_path", "filepath", "image"};
  static const std::set<std::string> kLabels = {"label", "class", "category", "target",
                                                "class_name"};
  const auto path = column_of(first, kPaths), label = column_of(first, kLabels);
  if (path && label) return {*path, *label, first.size(), true};
  if (first.size() != 2)
    reader.fail_at(1, "expected two columns, path and label, or a header with columns of these ",
                   "names, found ", first.size(), " columns: ", join(first, ",").substr(0, 200));
  return {};
}

ListLine checked(std::string_view path, std::string_view label, int64_t line,
                 const LineReader& reader) {
  path = trimmed(path);
  label = trimmed(label);
  if (path.empty()) reader.fail_at(line, "expected a path and a label, found no path");
  if (label.empty()) reader.fail_at(line, "expected a path and a label, found no label");
  if (path.size() > kMostPathBytes)
    reader.fail_at(line, "expected a path of at most ", kMostPathBytes, " bytes, found ",
                   path.size());
  return {std::string(path), std::string(label), line};
}

std::vector<ListLine> parse_csv(LineReader& reader) {
  std::vector<ListLine> lines;
  std::optional<Columns> columns;
  while (!reader.at_end()) {
    const int64_t number = reader.line();
    if (trimmed(reader.rest()).empty()) {
      reader.take_line();
      continue;
    }
    const Fields fields = reader.take_record();
    if (!columns) {
      columns = columns_of(fields, reader);
      if (columns->header) continue;
    }
    if (fields.size() != columns->count)
      reader.fail_at(number, "expected ", columns->count, " columns, found ", fields.size());
    lines.push_back(checked(fields[columns->path], fields[columns->label], number, reader));
  }
  return lines;
}

std::vector<ListLine> parse_words(LineReader& reader, const char* separators) {
  std::vector<ListLine> lines;
  while (!reader.at_end()) {
    const int64_t number = reader.line();
    const std::string_view line = trimmed(reader.take_line());
    if (line.empty()) continue;
    const size_t split = line.find_last_of(separators);
    if (split == std::string_view::npos)
      reader.fail_at(number, "expected a path and a label, found ", line.substr(0, 80));
    lines.push_back(checked(line.substr(0, split), line.substr(split + 1), number, reader));
  }
  return lines;
}

std::optional<int64_t> number_in(const std::string& text) {
  int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (stop != end || (error != std::errc() && error != std::errc::result_out_of_range))
    return std::nullopt;
  return error == std::errc() ? number : kMostClasses;  // too large for 64 bits
}

// The labels of both lists as numbers.
class Labels {
 public:
  explicit Labels(const Lists& lists) : lists_(lists) {
    const auto is_number = [](const ListLine& line) { return number_in(line.label).has_value(); };
    numbers_ = std::all_of(lists.train.begin(), lists.train.end(), is_number) &&
               std::all_of(lists.test.begin(), lists.test.end(), is_number);
    if (numbers_) {
      find_largest();
      return;
    }
    const auto& known = lists.train.empty() ? lists.test : lists.train;
    for (const ListLine& line : known) names_.emplace(line.label, 0);
    check(static_cast<int64_t>(names_.size()) <= kMostClasses, lists.train_name,
          ": expected at most ", kMostClasses, " classes, found ", names_.size());
    for (auto& [name, label] : names_) label = classes_++;
  }

  int64_t classes() const { return classes_; }
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& [name, label] : names_) names.push_back(name);
    return names;
  }

  int64_t of(const ListLine& line, const std::string& list) const {
    if (numbers_) {
      const int64_t label = *number_in(line.label);
      check(label >= 0 && label < classes_, list, ", line ", line.number, ": expected a class of ",
            lists_.train_name, ", whose labels are 0 to ", classes_ - 1, ", found ", line.label);
      return label;
    }
    const auto found = names_.find(line.label);
    check(found != names_.end(), list, ", line ", line.number, ": expected a class of ",
          lists_.train_name, ", found ", line.label);
    return found->second;
  }

 private:
  void find_largest() {
    const bool trains = !lists_.train.empty();
    for (const ListLine& line : trains ? lists_.train : lists_.test) {
      const int64_t label = *number_in(line.label);
      check(label >= 0 && label < kMostClasses, trains ? lists_.train_name : lists_.test_name,
            ", line ", line.number, ": expected a label from 0 to ", kMostClasses - 1, ", found ",
            line.label);
      classes_ = std::max(classes_, label + 1);
    }
  }

  const Lists& lists_;
  bool numbers_ = false;
  int64_t classes_ = 0;
  std::map<std::string, int64_t> names_;
};

std::vector<PackItem> items_of(const std::vector<ListLine>& lines, const std::string& list,
                               const Labels& labels) {
  std::unordered_map<std::string, int64_t> seen;
  std::vector<PackItem> items;
  for (const ListLine& line : lines) {
    const std::string plain = fs::path(line.path).lexically_normal().string();
    const auto [before, is_new] = seen.emplace(plain, line.number);
    check(is_new, list, ", line ", line.number, ": ", line.path, " is also in line ",
          before->second);
    PackItem item;
    item.name = line.path;
    item.label = labels.of(line, list);
    item.id = line.number;
    items.push_back(std::move(item));
  }
  return items;
}

}  // namespace

std::vector<ListLine> parse_list(std::string_view text, const std::string& name) {
  LineReader reader(text, name);
  while (!reader.at_end() && trimmed(reader.rest()).empty()) reader.take_line();
  const std::string_view first = reader.rest();
  std::vector<ListLine> lines;
  if (first.find(',') != std::string_view::npos || first.starts_with('"'))
    lines = parse_csv(reader);
  else if (trimmed(first).find('\t') != std::string_view::npos)
    lines = parse_words(reader, "\t");
  else
    lines = parse_words(reader, " \t");
  check(!lines.empty(), name, ": expected lines with a path and a label, found none");
  return lines;
}

SourceContent content_of_lists(const Lists& lists) {
  const Labels labels(lists);
  check(labels.classes() > 1, lists.train.empty() ? lists.test_name : lists.train_name,
        ": expected at least two classes, found only the label ",
        (lists.train.empty() ? lists.test : lists.train)[0].label);
  SourceContent content;
  content.info.classes = labels.classes();
  content.info.class_names = labels.names();
  content.train = items_of(lists.train, lists.train_name, labels);
  content.test = items_of(lists.test, lists.test_name, labels);
  return content;
}

}  // namespace d2l::data
