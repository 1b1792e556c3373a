#include "launcher/options/values.h"

#include <charconv>

#include "framework/base/text.h"
#include "launcher/options/usage.h"

namespace d2l::launcher {
namespace {

template <class Number>
std::string number_text(Number number) {
  char buffer[64];
  auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, number);
  return std::string(buffer, end);
}

template <class Number>
void parse_number(const std::string& label, const std::string& text, Number& number) {
  const char* end = text.data() + text.size();
  auto result = std::from_chars(text.data(), end, number);
  if (result.ec == std::errc() && result.ptr == end) return;
  const bool out_of_range = result.ec == std::errc::result_out_of_range && result.ptr == end;
  if (out_of_range && std::is_floating_point_v<Number>)
    usage(label, " expects 0 or a number from 1e-307 to 1e308, found ", text);
  const char* expected = std::is_floating_point_v<Number> ? "a number"
                         : std::is_unsigned_v<Number>     ? "a whole number of at least 0"
                                                          : "a whole number";
  if (out_of_range)
    usage(label, " expects ", expected, " of at most ", 8 * sizeof(Number), " bits, found ", text);
  usage(label, " expects ", expected, ", found '", text, "'");
}

}  // namespace

std::string text_of(const std::string& value) { return value; }
std::string text_of(bool value) { return value ? "on" : "off"; }
std::string text_of(int value) { return number_text(value); }
std::string text_of(int64_t value) { return number_text(value); }
std::string text_of(uint64_t value) { return number_text(value); }
std::string text_of(double value) { return number_text(value); }
std::string text_of(const Duration& value) { return value.text; }
std::string text_of(const WallTime& value) { return value.text; }
std::string text_of(const std::optional<Duration>& value) { return value ? value->text : ""; }

std::string text_of(const std::vector<Duration>& values) {
  std::vector<std::string> texts;
  texts.reserve(values.size());
  for (const Duration& value : values) texts.push_back(value.text);
  return join(texts, ",");
}

std::string text_of(const std::vector<std::string>& values) { return join(values, ","); }

void parse(const std::string& /*label*/, const std::string& text, std::string& value) {
  value = text;
}

void parse(const std::string& label, const std::string& text, bool& value) {
  if (text != "on" && text != "off") usage(label, " expects on or off, found '", text, "'");
  value = text == "on";
}

void parse(const std::string& label, const std::string& text, int& value) {
  parse_number(label, text, value);
}

void parse(const std::string& label, const std::string& text, int64_t& value) {
  parse_number(label, text, value);
}

void parse(const std::string& label, const std::string& text, uint64_t& value) {
  parse_number(label, text, value);
}

void parse(const std::string& label, const std::string& text, double& value) {
  parse_number(label, text, value);
}

void parse(const std::string& label, const std::string& text, WallTime& value) {
  value = parse_wall_time(label, text);
}

void parse(const std::string& label, const std::string& text, Duration& value) {
  value = parse_duration(label, text);
}

void parse(const std::string& label, const std::string& text, std::optional<Duration>& value) {
  value.reset();
  if (!text.empty()) value = parse_duration(label, text);
}

void parse(const std::string& label, const std::string& text, std::vector<Duration>& values) {
  values.clear();
  for (const std::string& piece : split_list(label, text))
    values.push_back(parse_duration(label, piece));
}

void parse(const std::string& label, const std::string& text, std::vector<std::string>& values) {
  values = split_list(label, text);
}

std::string alternatives(const std::vector<std::string>& words) {
  std::string text;
  for (size_t i = 0; i < words.size(); ++i)
    text += (i == 0 ? "" : i + 1 == words.size() ? " or " : ", ") + words[i];
  return text;
}

void fail_word(const std::string& label, const std::string& text,
               const std::vector<std::string>& expected) {
  usage(label, " expects ", alternatives(expected), ", found '", text, "'");
}

}  // namespace d2l::launcher
