#include "framework/train/metrics_file.h"

#include <fcntl.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <string_view>
#include <utility>
#include <vector>

#include "framework/base/error.h"
#include "framework/base/files.h"

namespace d2l {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kRunColumn = ",run", kByteOrderMark = "\xef\xbb\xbf";

// The complete lines, without their line ends. The last line of a crashed run may be incomplete.
std::vector<std::string_view> whole_lines(std::string_view text) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  std::vector<std::string_view> lines;
  for (size_t end; (end = text.find('\n')) != std::string_view::npos; text.remove_prefix(end + 1)) {
    lines.push_back(text.substr(0, end));
    if (lines.back().ends_with('\r')) lines.back().remove_suffix(1);
  }
  return lines;
}

// The step of a line with as many columns as the header; 0 for other lines.
int64_t step_of(std::string_view line, std::string_view header) {
  if (std::count(line.begin(), line.end(), ',') != std::count(header.begin(), header.end(), ','))
    return 0;
  int64_t step = 0;
  const char* comma = line.data() + line.find(',');
  const auto result = std::from_chars(line.data(), comma, step);
  return result.ec == std::errc() && result.ptr == comma ? step : 0;
}

std::string run_text(std::string_view run) {
  return run.empty() ? "a run without an identifier" : concat("run ", run);
}

template <class... Values>
std::string format(const char* pattern, Values... values) {
  char buffer[512];
  std::snprintf(buffer, sizeof buffer, pattern, values...);
  return buffer;
}

// Opens the file for appending to `content`. Unchanged content is not rewritten: the disk may be
// full.
int open_with(const fs::path& path, const std::string& content) {
  std::error_code ignored;
  if (!fs::exists(path, ignored) || read_text_file(path) != content) write_text_file(path, content);
  return open_regular_file(path, O_WRONLY | O_APPEND);
}

}  // namespace

std::string MetricsFile::header(const std::vector<std::string>& metrics) {
  std::string text = "step,epoch,samples,loss,lr,examples_per_s,data_wait_s,comm_wait_s,test_loss";
  for (const std::string& metric : metrics) text += ",test_" + metric;
  return text.append(kRunColumn);
}

std::string MetricsFile::kept(const fs::path& path, int64_t step, const Options& options) {
  const std::string& run = options.run;
  const std::string expected = header(options.metrics);
  std::string kept = expected + "\n";
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return kept;
  const std::string text = read_text_file(path);
  const std::vector<std::string_view> lines = whole_lines(text);
  if (lines.empty()) return kept;
  const std::string_view header = lines[0];
  const bool has_run = header == expected;
  // Runs of older versions had no identifier.
  check(has_run || concat(header, kRunColumn) == expected, path.string(),
        ":1: expected the header '", expected, "', found '", header, "'");
  for (size_t i = 1; i < lines.size(); ++i) {
    const int64_t of_step = step_of(lines[i], header);
    if (of_step == 0) continue;
    const std::string_view row = has_run ? lines[i].substr(0, lines[i].rfind(',')) : lines[i];
    const std::string_view of_run = has_run ? lines[i].substr(row.size() + 1) : "";
    check(of_run == run, path.string(), ":", i + 1, ": expected rows of ", run_text(run),
          ", found one of ", run_text(of_run), "; move the file elsewhere to continue");
    if (of_step <= step) kept += concat(row, ",", run, "\n");
  }
  return kept;
}

MetricsFile::MetricsFile(const fs::path& path, const std::string& content, Options options)
    : options_(std::move(options)),
      file_(path, open_with(path, content), static_cast<int64_t>(content.size()),
            {.lost = "its rows are lost", .warn = options_.warn}) {}

void MetricsFile::add(const Row& row) {
  write_line(concat(row.step, ",", row.epoch, ",", row.samples, ",",
                    format("%.9g,%.9g,%.6g,%.6g,%.6g,", row.loss, row.lr, row.examples_per_s,
                           row.data_wait_s, row.comm_wait_s),
                    std::string(options_.metrics.size() + 1, ',')));
  if (options_.events != nullptr)
    options_.events->add(row.step, {{"train/loss", row.loss},
                                    {"train/lr", row.lr},
                                    {"speed/examples_per_s", row.examples_per_s},
                                    {"speed/data_wait_s", row.data_wait_s},
                                    {"speed/comm_wait_s", row.comm_wait_s}});
}

void MetricsFile::add_evaluation(const Evaluation& evaluation) {
  std::string text = concat(evaluation.step, ",", evaluation.epoch, ",", evaluation.samples,
                            ",,,,,,", format("%.9g,", evaluation.loss));
  for (const double metric : evaluation.metrics) text += format("%.9g,", metric);
  write_line(text);
  if (options_.events == nullptr) return;
  EventFile::Values values = {{"test/loss", evaluation.loss}};
  for (size_t i = 0; i < evaluation.metrics.size(); ++i)
    values.emplace_back("test/" + options_.metrics[i], evaluation.metrics[i]);
  options_.events->add(evaluation.step, values);
}

void MetricsFile::write_line(const std::string& columns) {
  options_.check_held();
  file_.append(concat(columns, options_.run, "\n"));
}

}  // namespace d2l
