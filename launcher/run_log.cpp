#include "launcher/run_log.h"

#include <charconv>
#include <chrono>

#include "framework/base/files.h"

namespace d2l::launcher {
namespace {

constexpr std::string_view kForm = "0000-00-00 00:00:00 ";  // 0: a digit
// After the number of samples.
constexpr std::string_view kSamples = " samples; ", kNoTests = " samples, no test data; ";

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool has_time(std::string_view line) {
  if (line.size() < kForm.size()) return false;
  for (size_t i = 0; i < kForm.size(); ++i)
    if (kForm[i] == '0' ? !is_digit(line[i]) : line[i] != kForm[i]) return false;
  return true;
}

int number_at(std::string_view line, size_t place, size_t digits) {
  int number = 0;
  std::from_chars(line.data() + place, line.data() + place + digits, number);
  return number;
}

int64_t seconds_of(std::string_view line) {
  using namespace std::chrono;
  const year_month_day date(year(number_at(line, 0, 4)),
                            month(static_cast<unsigned>(number_at(line, 5, 2))),
                            day(static_cast<unsigned>(number_at(line, 8, 2))));
  return sys_seconds(sys_days(date)).time_since_epoch().count() +
         3600 * int64_t{number_at(line, 11, 2)} + 60 * number_at(line, 14, 2) +
         number_at(line, 17, 2);
}

// Cuts `text` after the first `separator`, which is left out. Returns what was before it; `found`
// becomes false if it does not occur.
std::string_view cut(std::string_view& text, std::string_view separator, bool& found) {
  const size_t place = text.find(separator);
  if (place == std::string_view::npos) {
    found = false;
    return {};
  }
  const std::string_view before = text.substr(0, place);
  text.remove_prefix(place + separator.size());
  return before;
}

// Of "MPI, 2 ranks on 1 host".
int64_t ranks_in(std::string_view comm) {
  const size_t word = comm.find(" rank");
  if (word == std::string_view::npos) return 0;
  size_t begin = word;
  while (begin > 0 && is_digit(comm[begin - 1])) --begin;
  int64_t ranks = 0;
  std::from_chars(comm.data() + begin, comm.data() + word, ranks);
  return ranks;
}

}  // namespace

int64_t read_log(const std::filesystem::path& path,
                 const std::function<void(const LogLine&)>& use) {
  const std::string text = read_text_file(path);
  int64_t others = 0;
  for (std::string_view left = text; !left.empty();) {
    const size_t end = left.find('\n');
    const std::string_view line = left.substr(0, end);
    left.remove_prefix(end == std::string_view::npos ? left.size() : end + 1);
    if (has_time(line))
      use({.seconds = seconds_of(line),
           .time = line.substr(0, kForm.size() - 1),
           .message = line.substr(kForm.size())});
    else if (!line.empty())
      ++others;
  }
  return others;
}

std::optional<JobStart> job_start(std::string_view message) {
  bool found = true;
  const std::string_view model = cut(message, ", ", found);
  const std::string_view parameters = cut(message, "; ", found);
  size_t end = message.find(kSamples);
  if (end == std::string_view::npos) end = message.find(kNoTests);
  if (!found || end == std::string_view::npos ||
      parameters.find(" parameters") == std::string_view::npos)
    return std::nullopt;
  const size_t name_end = message.substr(0, end).rfind(", ");
  end = message.find("; ", end);
  if (name_end == std::string_view::npos) return std::nullopt;
  const std::string_view data = message.substr(0, name_end),
                         samples = message.substr(name_end + 2, end - name_end - 2);
  message.remove_prefix(end + 2);
  const std::string_view comm = cut(message, "; ", found), threads = cut(message, "; ", found);
  if (!found) return std::nullopt;
  return JobStart{.model = std::string(model),
                  .parameters = std::string(parameters),
                  .data = std::string(data),
                  .samples = std::string(samples),
                  .ranks = ranks_in(comm),
                  .comm = std::string(comm),
                  .threads = std::string(threads),
                  .device = std::string(message)};
}

}  // namespace d2l::launcher
