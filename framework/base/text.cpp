#include "framework/base/text.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iterator>
#include <numeric>
#include <sstream>
#include <utility>

#include "framework/base/error.h"

namespace d2l {
namespace {

// Levenshtein distance; keeps one row of the table.
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

template <class Number>
std::string format(const char* pattern, Number number) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, pattern, number);
  return buffer;
}

struct Utf8 {
  uint32_t code = 0;
  size_t length = 0;  // in bytes; 0: not valid UTF-8
};

Utf8 utf8_at(const std::string& text, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = byte(at);
  if (first < 0x80) return {first, 1};
  const size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() - at < length) return {};
  uint32_t code = first & (0xffU >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xc0) != 0x80) return {};
    code = code << 6 | (byte(at + i) & 0x3fU);
  }
  constexpr uint32_t kSmallest[] = {0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  if (code < kSmallest[length - 2] || code > 0x10ffff || surrogate) return {};
  return {code, length};
}

// Control characters, blanks other than the space, and zero-width characters.
bool is_unseen(uint32_t code) {
  constexpr std::pair<uint32_t, uint32_t> kRanges[] = {
      {0, 0x1f},        {0x7f, 0xa0},     {0xad, 0xad},     {0x61c, 0x61c},   {0x1680, 0x1680},
      {0x180e, 0x180e}, {0x2000, 0x200f}, {0x2028, 0x202f}, {0x205f, 0x206f}, {0x3000, 0x3000},
      {0xfe00, 0xfe0f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}};
  return std::any_of(std::begin(kRanges), std::end(kRanges), [&](const auto& range) {
    return code >= range.first && code <= range.second;
  });
}

std::string escaped(uint32_t code) {
  constexpr std::pair<uint32_t, const char*> kNamed[] = {
      {'\n', "\\n"}, {'\r', "\\r"}, {'\t', "\\t"}};
  for (const auto& [known, name] : kNamed)
    if (code == known) return name;
  return format(code < 0x80 ? "\\x%02x" : "\\u%04x", code);
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
                         const std::vector<std::string>& candidates, const std::string& listed_by) {
  constexpr size_t kMostListed = 24;
  std::string near = nearest(word, candidates);
  std::vector<std::string> listed(
      candidates.begin(),
      candidates.begin() + static_cast<ptrdiff_t>(std::min(candidates.size(), kMostListed)));
  if (listed.size() < candidates.size())
    listed.push_back(concat(candidates.size() - listed.size(), " more"));
  std::string hint = !near.empty()       ? ", did you mean '" + near + "'?"
                     : listed_by.empty() ? "; expected one of " + join(listed, ", ")
                                         : "; " + listed_by + " lists all";
  return concat("unknown ", kind, " '", word, "'", hint);
}

std::string visible(const std::string& text) {
  std::string shown;
  for (size_t at = 0; at < text.size();) {
    const Utf8 found = utf8_at(text, at);
    if (found.length == 0)
      shown += format("\\x%02x", static_cast<unsigned>(static_cast<uint8_t>(text[at])));
    else if (is_unseen(found.code))
      shown += escaped(found.code);
    else
      shown.append(text, at, found.length);
    at += std::max<size_t>(found.length, 1);
  }
  return shown;
}

std::vector<std::string> split_lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + '"';
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

std::string rounded(double number) {
  const double size = std::abs(number);
  if (size == 0 || !std::isfinite(size)) return fixed(number, 3);
  if (size < 1e-4 || size >= 1e9) {
    char buffer[64];
    std::snprintf(buffer, sizeof buffer, "%.3e", number);
    return buffer;
  }
  if (size >= 1000) return fixed(number, 1);
  return fixed(number, std::max(3, 2 - static_cast<int>(std::floor(std::log10(size)))));
}

}  // namespace d2l
