#include "framework/train/metrics_file.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "framework/base/error.h"
#include "framework/base/files.h"

namespace d2l {
namespace {

// Whether the line is a whole row, of a step not after last_step.
bool is_row_until(std::string_view line, int64_t last_step) {
  if (std::count(line.begin(), line.end(), ',') !=
      std::count(MetricsFile::kHeader, MetricsFile::kHeader + std::strlen(MetricsFile::kHeader),
                 ','))
    return false;
  int64_t step = 0;
  size_t comma = line.find(',');
  auto result = std::from_chars(line.data(), line.data() + comma, step);
  return result.ec == std::errc() && result.ptr == line.data() + comma && step <= last_step;
}

// Only lines that end count: the last one of a crashed run may not.
std::string kept_text(const std::filesystem::path& path, int64_t resume_step) {
  std::string kept = std::string(MetricsFile::kHeader) + "\n";
  if (resume_step <= 0 || !std::filesystem::exists(path)) return kept;
  const std::string text = read_text_file(path);
  bool header = true;
  for (size_t begin = 0, end; (end = text.find('\n', begin)) != std::string::npos;
       begin = end + 1) {
    std::string_view line(text.data() + begin, end - begin);
    if (header)
      check(line == MetricsFile::kHeader, path.string(), ":1: expected the header '",
            MetricsFile::kHeader, "', found '", line, "'");
    else if (is_row_until(line, resume_step))
      kept.append(line).append("\n");
    header = false;
  }
  return kept;
}

template <class... Values>
std::string format(const char* pattern, Values... values) {
  char buffer[512];
  std::snprintf(buffer, sizeof buffer, pattern, values...);
  return buffer;
}

}  // namespace

MetricsFile::MetricsFile(const std::filesystem::path& path, int64_t resume_step,
                         std::function<void(const std::string&)> warn)
    : path_(path), warn_(std::move(warn)) {
  const std::string kept = kept_text(path, resume_step);
  write_text_file(path, kept);
  bytes_ = kept.size();
  stream_.open(path, std::ios::binary | std::ios::app);
  check(stream_.good(), "cannot open ", path.string(), ": ", std::strerror(errno));
}

void MetricsFile::add(const Row& row) {
  write_line(concat(row.step, ",", row.epoch, ",", row.samples, ",",
                    format("%.9g,%.9g,%.6g,%.6g,%.6g,,", row.loss, row.lr, row.examples_per_s,
                           row.data_wait_s, row.comm_wait_s)));
}

void MetricsFile::add_evaluation(const Evaluation& evaluation) {
  write_line(concat(evaluation.step, ",", evaluation.epoch, ",", evaluation.samples, ",,,,,,",
                    format("%.9g,%.9g", evaluation.test_loss, evaluation.test_accuracy)));
}

void MetricsFile::write_line(const std::string& line) {
  stream_ << line << '\n' << std::flush;
  if (stream_.good()) {
    bytes_ += line.size() + 1;
    return;
  }
  const std::string cause = std::strerror(errno);
  stream_.close();
  stream_.clear();
  std::error_code ignored;
  std::filesystem::resize_file(path_, bytes_, ignored);  // without what came of the line
  stream_.open(path_, std::ios::binary | std::ios::app);
  if (!warned_)
    warn_(concat("cannot write ", path_.string(), ": ", cause,
                 "; its lines are left out until that is possible again"));
  warned_ = true;
}

}  // namespace d2l
