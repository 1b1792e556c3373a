#include "launcher/dataset_text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

#include "framework/base/error.h"
#include "framework/base/text.h"
#include "launcher/options/values.h"

namespace d2l::launcher {
namespace {

constexpr int64_t kMostSide = 1'000'000, kMostChannels = 1024, kMostClasses = 100'000'000,
                  kMostValues = 100'000'000;
constexpr std::string_view kDigits = "0123456789abcdef";

// A name may contain any character: control characters and backslashes become \xHH.
std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= ' ' && c != '\\' && byte != 0x7f)
      result += c;
    else
      result += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return result;
}

std::string numbers_text(const std::vector<double>& numbers) {
  std::vector<std::string> words;
  words.reserve(numbers.size());
  for (const double number : numbers) words.push_back(text_of(number));
  return join(words, ",");
}

// Reads the values of the lines; errors name the line.
class LineReader {
 public:
  explicit LineReader(std::string where) : where_(std::move(where)) {}

  std::string name(const std::string& value) const {
    std::string result;
    for (size_t i = 0; i < value.size(); ++i) {
      if (value[i] != '\\') {
        result += value[i];
        continue;
      }
      const size_t high = digit(value, i + 2), low = digit(value, i + 3);
      expect(value.compare(i, 2, "\\x") == 0 && high < 16 && low < 16, "\\xHH", value);
      result += static_cast<char>(high << 4 | low);
      i += 3;
    }
    return result;
  }
  int64_t integer(std::string_view value, int64_t least, int64_t most) const {
    int64_t number = 0;
    const char* end = value.data() + value.size();
    const auto result = std::from_chars(value.data(), end, number);
    expect(result.ec == std::errc() && result.ptr == end && number >= least && number <= most,
           concat("a number from ", least, " to ", most), value);
    return number;
  }
  Shape shape(const std::string& value) const {
    const auto parts = split_at(value, 'x');
    if (parts.size() == 1) return {integer(value, 1, kMostValues)};
    expect(parts.size() == 3, "HEIGHTxWIDTHxCHANNELS or VALUES", value);
    const Shape found{integer(parts[0], 0, kMostSide), integer(parts[1], 0, kMostSide),
                      integer(parts[2], 1, kMostChannels)};
    expect((found[0] > 0) == (found[1] > 0), "height and width, or 0x0", value);
    return found;
  }
  std::vector<double> numbers(const std::string& value) const {
    std::vector<double> found;
    for (const std::string_view part : split_at(value, ',')) {
      double number = 0;
      const char* end = part.data() + part.size();
      const auto result = std::from_chars(part.data(), end, number);
      expect(result.ec == std::errc() && result.ptr == end && std::isfinite(number), "numbers",
             value);
      found.push_back(number);
    }
    return found;
  }

 private:
  static std::vector<std::string_view> split_at(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    for (size_t begin = 0; begin <= text.size();) {
      const size_t end = std::min(text.find(separator, begin), text.size());
      parts.push_back(text.substr(begin, end - begin));
      begin = end + 1;
    }
    return parts;
  }
  static size_t digit(const std::string& text, size_t at) {
    return at < text.size() ? kDigits.find(text[at]) : std::string_view::npos;
  }
  void expect(bool ok, const std::string& wanted, std::string_view found) const {
    check(ok, where_, ": expected ", wanted, ", found '", found, "'");
  }

  std::string where_;
};

void check_complete(const data::DatasetInfo& info, const std::string& source) {
  const auto channels = static_cast<size_t>(info.shape.rank() == 3 ? info.shape[2] : 0);
  const size_t names = info.class_names.size();
  check(info.is_table() || channels > 0, source, ": expected a shape");
  check(info.is_table() || info.has_labels(), source, ": expected a number of classes");
  check(names == 0 || static_cast<int64_t>(names) == info.classes, source, ": expected ",
        info.classes, " names of classes, found ", names);
  for (const auto* numbers : {&info.mean, &info.deviation})
    check(numbers->empty() || numbers->size() == channels, source, ": expected a mean and a ",
          "deviation for each of ", channels, " channels, found ", numbers->size());
}

}  // namespace

std::string sizes_text(const Shape& shape) {
  std::vector<std::string> sizes;
  for (const int64_t size : shape) sizes.push_back(std::to_string(size));
  return join(sizes, "x");
}

std::string dataset_text(const data::DatasetInfo& info) {
  std::string text = concat("name = ", escaped(info.name), "\nshape = ", sizes_text(info.shape),
                            "\nclasses = ", info.classes, "\n");
  if (!info.mean.empty()) text += "mean = " + numbers_text(info.mean) + "\n";
  if (!info.deviation.empty()) text += "deviation = " + numbers_text(info.deviation) + "\n";
  for (const std::string& name : info.class_names) text += "class = " + escaped(name) + "\n";
  return text;
}

data::DatasetInfo parse_dataset_text(const std::string& text, const std::string& source) {
  data::DatasetInfo info;
  std::istringstream lines(text);
  std::set<std::string> seen;
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    const std::string where = concat(source, ", dataset, line ", ++number);
    const size_t equals = line.find(" = ");
    check(equals != std::string::npos, where, ": expected 'name = value', found '", line, "'");
    const std::string key = line.substr(0, equals), value = line.substr(equals + 3);
    const LineReader read(where);
    check(key == "class" || seen.insert(key).second, where, ": expected ", key, " once");
    if (key == "name")
      info.name = read.name(value);
    else if (key == "shape")
      info.shape = read.shape(value);
    else if (key == "classes")
      info.classes = read.integer(value, 0, kMostClasses);
    else if (key == "mean")
      info.mean = read.numbers(value);
    else if (key == "deviation")
      info.deviation = read.numbers(value);
    else if (key == "class")
      info.class_names.push_back(read.name(value));
    else
      fail(where, ": expected name, shape, classes, mean, deviation or class, found '", key, "'");
  }
  check_complete(info, source);
  return info;
}

}  // namespace d2l::launcher
