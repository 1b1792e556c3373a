#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace d2l::data {

// Reads a CSV file record by record, as RFC 4180 defines it: fields in quotes, doubled quotes in
// them, line breaks in them, lines that end with LF or CRLF. The first record is the header: it
// names the columns. Only one record is in memory. The file is not trusted. Messages of Error begin
// with "train.csv, line 17: ".
//
//   separator   comma, semicolon or tab: the one that the header has most often
//   fields      without the blanks around them, inside and outside of quotes
//   skipped     a UTF-8 byte order mark, lines that contain only blanks
//   limits      kMostRecordBytes, kMostCsvColumns
class CsvReader {
 public:
  static constexpr size_t kMostRecordBytes = size_t{16} << 20;
  static constexpr size_t kMostColumns = 100'000;

  // Fills `into` from its front. Returns the number of bytes, 0 at the end.
  using Source = std::function<size_t(std::span<char> into)>;

  // Reads the header. Throws Error for a file that is no CSV file, for a header without names and
  // for columns of the same name. A column without a name becomes "column 3", counted from 1.
  explicit CsvReader(const std::filesystem::path& path);
  // Reads any text. `name`: for messages.
  CsvReader(std::string name, Source source);

  // The fields of a single record with commas, such as `Name,"Fare, in pounds"`.
  static std::vector<std::string> split(const std::string& name, std::string_view record);

  const std::string& name() const { return name_; }
  char separator() const { return separator_; }
  const std::vector<std::string>& header() const { return header_; }
  // The number of columns that had no name.
  int64_t unnamed() const { return unnamed_; }
  std::optional<size_t> find(const std::string& column) const;

  // Reads the next record; false at the end. Throws Error if it has another number of fields than
  // the header.
  bool next();
  // Of the last record, one field per column. Valid until the next call of next().
  const std::vector<std::string>& fields() const { return fields_; }
  int64_t line() const { return line_; }  // where it begins, from 1
  std::string place() const;              // "train.csv, line 17"

 private:
  static constexpr int kEnd = -1;

  CsvReader(std::string name, Source source, char separator);

  template <class... Parts>
  [[noreturn]] void fail_at(int64_t line, const Parts&... parts) const;
  bool fill();
  int peek();
  int take();
  void skip_blanks();
  void append(std::string& field, char character);
  void skip_mark();
  void find_separator();
  void read_header();
  // Reads one record into the first `count` elements of `fields`; false at the end.
  bool read_record(std::vector<std::string>& fields, size_t& count);
  void read_fields(std::vector<std::string>& fields, size_t& count);
  void read_plain(std::string& field);
  void read_quoted(std::string& field);
  bool take_separator();

  std::string name_;
  Source source_;
  std::vector<char> buffer_;
  size_t at_ = 0, end_ = 0;  // what is left in the buffer
  size_t record_bytes_ = 0;
  int64_t line_ = 1, next_line_ = 1;
  char separator_ = ',';
  int64_t unnamed_ = 0;
  std::vector<std::string> header_, fields_;
};

}  // namespace d2l::data
