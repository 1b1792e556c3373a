#include "data/table/csv.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <set>
#include <utility>

#include "framework/base/error.h"
#include "framework/base/files.h"
#include "framework/base/text.h"

namespace d2l::data {
namespace {

constexpr size_t kBufferBytes = size_t{1} << 18;
constexpr size_t kShownBytes = 60;  // of a value in a message

bool is_blank(char c) { return c == ' ' || c == '\t'; }

void trim(std::string& text) {
  while (!text.empty() && is_blank(text.back())) text.pop_back();
  const auto begin = std::find_if_not(text.begin(), text.end(), is_blank);
  text.erase(text.begin(), begin);
}

CsvReader::Source source_of(const std::filesystem::path& path) {
  const std::shared_ptr<int> file(new int(open_regular_file(path, O_RDONLY)), [](const int* open) {
    ::close(*open);
    delete open;
  });
  return [file, path, offset = uint64_t{0}](std::span<char> into) mutable {
    size_t done = 0;
    const int error =
        read_at(*file, offset, {reinterpret_cast<uint8_t*>(into.data()), into.size()}, done);
    if (error != 0) fail_with(error, "cannot read " + path.string());
    offset += done;
    return done;
  };
}

std::string separator_text(char separator) {
  return separator == '\t' ? "a tab" : std::string{'\'', separator, '\''};
}

// What a file that is no text is instead, from its first bytes; empty if it may be text.
std::string other_format(std::string_view bytes) {
  if (bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF"))
    return "found UTF-16 text; save it as UTF-8";
  if (bytes.starts_with("\x1F\x8B")) return "found a file compressed with gzip; decompress it";
  if (bytes.starts_with("PK\x03\x04"))
    return "found a ZIP archive or a spreadsheet; save the table as CSV";
  return "";
}

}  // namespace

template <class... Parts>
void CsvReader::fail_at(int64_t line, const Parts&... parts) const {
  fail(name_, ", line ", line, ": ", parts...);
}

CsvReader::CsvReader(const std::filesystem::path& path)
    : CsvReader(path.string(), source_of(path)) {}

CsvReader::CsvReader(std::string name, Source source, char separator)
    : name_(std::move(name)),
      source_(std::move(source)),
      buffer_(kBufferBytes),
      separator_(separator) {}

CsvReader::CsvReader(std::string name, Source source)
    : CsvReader(std::move(name), std::move(source), ',') {
  skip_mark();
  find_separator();
  read_header();
}

std::vector<std::string> CsvReader::split(const std::string& name, std::string_view record) {
  const auto source = [record](std::span<char> into) mutable {
    const size_t count = record.copy(into.data(), into.size());
    record.remove_prefix(count);
    return count;
  };
  CsvReader reader(name, source, ',');
  std::vector<std::string> fields;
  size_t count = 0;
  reader.read_record(fields, count);
  check(reader.peek() == kEnd, name, ": expected one line, found more");
  fields.resize(count);
  return fields;
}

std::string CsvReader::place() const { return concat(name_, ", line ", line_); }

std::optional<size_t> CsvReader::find(const std::string& column) const {
  const auto found = std::find(header_.begin(), header_.end(), column);
  if (found == header_.end()) return std::nullopt;
  return static_cast<size_t>(found - header_.begin());
}

bool CsvReader::next() {
  size_t count = 0;
  if (!read_record(fields_, count)) return false;
  if (count != header_.size())
    fail_at(line_, "expected ", header_.size(), " fields separated by ", separator_text(separator_),
            ", as in the header, found ", count);
  return true;
}

bool CsvReader::fill() {
  at_ = 0;
  end_ = source_(buffer_);
  return end_ > 0;
}

int CsvReader::peek() {
  if (at_ == end_ && !fill()) return kEnd;
  return static_cast<unsigned char>(buffer_[at_]);
}

int CsvReader::take() {
  const int character = peek();
  if (character != kEnd) ++at_;
  return character;
}

void CsvReader::skip_blanks() {
  while (peek() != kEnd && is_blank(buffer_[at_]) && buffer_[at_] != separator_) ++at_;
}

void CsvReader::append(std::string& field, char character) {
  if (character == '\0') fail_at(next_line_, "expected text, found a zero byte");
  if (++record_bytes_ > kMostRecordBytes)
    fail_at(line_, "expected a record of at most ", human_bytes(kMostRecordBytes),
            ", found a longer one");
  field += character;
}

void CsvReader::skip_mark() {
  fill();
  const std::string_view front(buffer_.data(), std::min<size_t>(end_, 4));
  const std::string other = other_format(front);
  check(other.empty(), name_, ": expected a CSV file, ", other);
  if (front.starts_with("\xEF\xBB\xBF")) at_ = 3;
}

// Looks at the first line in the buffer that is not empty.
void CsvReader::find_separator() {
  constexpr std::array<char, 3> kSeparators{',', ';', '\t'};
  std::array<size_t, 3> counts{};
  bool quoted = false, has_text = false;
  for (size_t i = at_; i < end_; ++i) {
    const char character = buffer_[i];
    if (character == '"') quoted = !quoted;
    if (quoted) continue;
    if (character == '\n' && has_text) break;
    has_text |= character != '\r' && character != '\n' && !is_blank(character);
    for (size_t k = 0; k < kSeparators.size(); ++k) counts[k] += character == kSeparators[k];
  }
  const auto most = std::max_element(counts.begin(), counts.end());
  separator_ = kSeparators[static_cast<size_t>(most - counts.begin())];
}

void CsvReader::read_header() {
  size_t count = 0;
  check(read_record(header_, count), name_, ": expected a header with the names of the columns, ",
        "found an empty file");
  header_.resize(count);
  std::set<std::string> names;
  for (size_t i = 0; i < count; ++i) {
    std::string& name = header_[i];
    if (name.empty()) {
      name = concat("column ", i + 1);
      ++unnamed_;
    }
    const bool is_text =
        std::none_of(name.begin(), name.end(), [](char c) { return (c & 0xE0) == 0 || c == 127; });
    if (!is_text)
      fail_at(line_, "expected names of columns without control characters, found '",
              name.substr(0, kShownBytes), "'");
    if (!names.insert(name).second)
      fail_at(line_, "expected columns of different names, found '", name.substr(0, kShownBytes),
              "' twice");
  }
  if (unnamed_ == static_cast<int64_t>(count))
    fail_at(line_, "expected a header with the names of the columns, found only empty names");
}

bool CsvReader::read_record(std::vector<std::string>& fields, size_t& count) {
  while (peek() != kEnd) {
    line_ = next_line_;
    record_bytes_ = 0;
    skip_blanks();
    const bool is_quoted = peek() == '"';
    read_fields(fields, count);
    if (count > 1 || is_quoted || !fields[0].empty()) return true;  // else a blank line
  }
  return false;
}

void CsvReader::read_fields(std::vector<std::string>& fields, size_t& count) {
  count = 0;
  do {
    if (count == kMostColumns)
      fail_at(line_, "expected at most ", kMostColumns, " columns, found more");
    if (++count > fields.size()) fields.emplace_back();
    std::string& field = fields[count - 1];
    field.clear();
    skip_blanks();
    if (peek() == '"')
      read_quoted(field);
    else
      read_plain(field);
    trim(field);
  } while (take_separator());
}

void CsvReader::read_plain(std::string& field) {
  for (int next = peek(); next != kEnd; next = peek()) {
    const char character = static_cast<char>(next);
    if (character == separator_ || character == '\n' || character == '\r') return;
    if (character == '"')
      fail_at(line_, "expected '\"' only around a whole field, found one after ",
              field.empty() ? "its begin" : "'" + field.substr(0, kShownBytes) + "'");
    append(field, character);
    ++at_;
  }
}

void CsvReader::read_quoted(std::string& field) {
  const int64_t begin = next_line_;
  for (take();;) {
    const int next = take();
    if (next == kEnd)
      fail_at(begin, "expected '\"' at the end of the quoted field, found the end of the file");
    if (next == '"') {
      if (peek() != '"') return;
      take();
    }
    append(field, static_cast<char>(next));
    if (next == '\n') ++next_line_;
  }
}

bool CsvReader::take_separator() {
  skip_blanks();
  const int next = take();
  if (next == static_cast<unsigned char>(separator_)) return true;
  if (next == '\r' && peek() != '\n')
    fail_at(next_line_, "expected lines that end with LF or CRLF, found CR without LF");
  if (next == '\r') take();
  if (next != '\r' && next != '\n' && next != kEnd)
    fail_at(next_line_, "expected ", separator_text(separator_),
            " or the end of the line after a quoted field, found '", static_cast<char>(next), "'");
  ++next_line_;
  return false;
}

}  // namespace d2l::data
