#include <algorithm>
#include <charconv>
#include <cmath>

#include "data/transform/steps.h"
#include "framework/base/error.h"
#include "framework/base/text.h"

namespace d2l::data {
namespace {

constexpr int64_t kMostSize = 4096;  // of a network's input, per side

template <class Number>
bool read_whole(const std::string& text, Number& number) {
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, number);
  return result.ec == std::errc() && result.ptr == end;
}

// "0.75" or "3/4"
bool read_number(const std::string& text, double& number) {
  const size_t slash = text.find('/');
  if (slash == std::string::npos) return read_whole(text, number) && std::isfinite(number);
  double above = 0, below = 0;
  if (!read_whole(text.substr(0, slash), above) || !read_whole(text.substr(slash + 1), below))
    return false;
  number = above / below;
  return std::isfinite(number);
}

std::string range_text(double least, double most) {
  if (std::isinf(most)) return concat("of at least ", number_text(least));
  return concat("from ", number_text(least), " to ", number_text(most));
}

}  // namespace

std::string number_text(double number) {
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, number).ptr;
  std::string decimal(buffer, end);
  if (decimal.size() <= 6) return decimal;
  for (double below = 1; below <= 64; ++below) {
    const double above = std::round(number * below);
    if (above / below == number && above < 1e4) return concat(above, "/", below);
  }
  return decimal;
}

StepWords::StepWords(const std::string& text) {
  std::istringstream stream(text);
  for (std::string word; stream >> word;) words_.push_back(word);
  check(!words_.empty(), "expected steps separated by ',', found nothing between two ','");
  text_ = join(words_, " ");
}

void StepWords::fail_value(const std::string& expected, const std::string& found) const {
  fail("step '", text_, "': expected ", expected, ", found ",
       found.empty() ? "nothing" : "'" + found + "'");
}

const std::string& StepWords::next(const std::string& expected) {
  if (at_ == words_.size()) fail_value(expected, "");
  return words_[at_++];
}

double StepWords::number(const std::string& meaning, double least, double most) {
  const std::string expected = meaning + " " + range_text(least, most);
  const std::string& word = next(expected);
  double value = 0;
  if (!read_number(word, value) || value < least || value > most) fail_value(expected, word);
  return value;
}

int64_t StepWords::integer(const std::string& meaning, int64_t least, int64_t most) {
  const std::string expected = concat(meaning, " from ", least, " to ", most);
  const std::string& word = next(expected);
  int64_t value = 0;
  if (!read_whole(word, value) || value < least || value > most) fail_value(expected, word);
  return value;
}

StepWords::Size StepWords::size() {
  const std::string expected =
      concat("a size N or HEIGHTxWIDTH with numbers from 1 to ", kMostSize);
  const std::string& word = next(expected);
  const auto fits = [](int64_t pixels) { return pixels >= 1 && pixels <= kMostSize; };
  const size_t x = word.find('x');
  Size size;
  const bool good = x == std::string::npos
                        ? read_whole(word, size.height) && fits(size.height)
                        : read_whole(word.substr(0, x), size.height) && fits(size.height) &&
                              read_whole(word.substr(x + 1), size.width) && fits(size.width);
  if (!good) fail_value(expected, word);
  return size;
}

bool StepWords::next_is_one_of(const std::vector<std::string>& names, std::string& found) {
  if (at_ == words_.size()) return false;
  found = words_[at_++];
  if (std::find(names.begin(), names.end(), found) == names.end())
    fail_value(join(names, " or "), found);
  check(std::find(seen_.begin(), seen_.end(), found) == seen_.end(), "step '", text_,
        "': expected ", found, " once, found it twice");
  seen_.push_back(found);
  return true;
}

Interval StepWords::interval(double least, double most) {
  const std::string expected = "LOW..HIGH with numbers " + range_text(least, most);
  const std::string& word = next(expected);
  const size_t dots = word.find("..");
  Interval found;
  const bool good = dots != std::string::npos && read_number(word.substr(0, dots), found.low) &&
                    read_number(word.substr(dots + 2), found.high) && found.low >= least &&
                    found.low <= found.high && found.high <= most;
  if (!good) fail_value(expected, word);
  return found;
}

Filter StepWords::filter() {
  const std::string& word = next("a filter");
  try {
    return filter_from(word);
  } catch (const Error& error) {
    fail("step '", text_, "': ", error.what());
  }
}

void StepWords::end() const {
  if (at_ < words_.size()) fail_value("no more values", words_[at_]);
}

}  // namespace d2l::data
