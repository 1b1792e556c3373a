#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace d2l::launcher {

// Reads metrics.csv of a run line by line (MetricsFile writes it).
class MetricsReader {
 public:
  using Fields = std::vector<std::string_view>;

  // Reads the file. Throws Error naming the path if it cannot be read or does not begin with the
  // header of a metrics file.
  explicit MetricsReader(const std::filesystem::path& path);
  MetricsReader(const MetricsReader&) = delete;
  MetricsReader& operator=(const MetricsReader&) = delete;

  // The columns: "step", "epoch", ...
  const Fields& names() const { return names_; }
  // Sets the fields of the next line, as many as there are columns, valid as long as this object.
  // Leaves out damaged lines: another number of fields, or no step. False at the end.
  bool next(Fields& fields);
  // Damaged lines so far. A job that was killed may leave an incomplete one.
  int64_t damaged() const { return damaged_; }

 private:
  bool next_line(Fields& fields);

  std::string text_;
  std::string_view left_;
  Fields names_;
  int64_t damaged_ = 0;
};

// The number in a field; NaN if it is empty or is no number.
double number_in(std::string_view field);

}  // namespace d2l::launcher
