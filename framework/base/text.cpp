#include "framework/base/text.h"

#include <algorithm>
#include <cstdio>
#include <numeric>

#include "framework/base/error.h"

namespace d2l {
namespace {

// Levenshtein's distance, one row at a time.
size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t substitute = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substitute});
    }
  }
  return row[b.size()];
}

std::string format(const char* pattern, double number) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, pattern, number);
  return buffer;
}

}  // namespace

std::string nearest(const std::string& word, const std::vector<std::string>& candidates) {
  auto begins = [&](const std::string& candidate) { return candidate.starts_with(word); };
  auto longer = std::find_if(candidates.begin(), candidates.end(), begins);
  if (std::count_if(candidates.begin(), candidates.end(), begins) == 1) return *longer;
  std::string best;
  size_t best_distance = std::max<size_t>(2, word.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::string join(const std::vector<std::string>& parts, const std::string& separator) {
  std::string text;
  for (size_t i = 0; i < parts.size(); ++i) text += (i > 0 ? separator : "") + parts[i];
  return text;
}

std::string unknown_name(const std::string& kind, const std::string& word,
                         const std::vector<std::string>& candidates) {
  std::string near = nearest(word, candidates);
  std::string hint =
      near.empty() ? "; there are " + join(candidates, ", ") : ", did you mean '" + near + "'?";
  return concat("unknown ", kind, " '", word, "'", hint);
}

std::string with_thousands(int64_t number) {
  std::string text = std::to_string(number);
  int first_digit = number < 0 ? 1 : 0;
  for (int at = static_cast<int>(text.size()) - 3; at > first_digit; at -= 3)
    text.insert(static_cast<size_t>(at), 1, ',');
  return text;
}

std::string human_bytes(uint64_t bytes) {
  if (bytes < 1024) return std::to_string(bytes) + " B";
  const char* units[] = {"KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes) / 1024;
  int unit = 0;
  for (; value >= 1024 && unit < 3; ++unit) value /= 1024;
  return format("%.1f ", value) + units[unit];
}

std::string human_seconds(double seconds) {
  if (seconds < 60) return format("%.1fs", seconds);
  auto whole = static_cast<int64_t>(seconds);
  char buffer[64];
  if (whole < 3600)
    std::snprintf(buffer, sizeof buffer, "%dm%02ds", static_cast<int>(whole / 60),
                  static_cast<int>(whole % 60));
  else
    std::snprintf(buffer, sizeof buffer, "%dh%02dm", static_cast<int>(whole / 3600),
                  static_cast<int>(whole % 3600 / 60));
  return buffer;
}

std::string fixed(double number, int digits) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%.*f", digits, number);
  return buffer;
}

}  // namespace d2l
