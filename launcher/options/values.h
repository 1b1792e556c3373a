#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "launcher/options/duration.h"
#include "launcher/options/wall_time.h"
#include "launcher/options/words.h"

namespace d2l::launcher {

// Converts values of options to text and back to the same bits. `label` names the option in errors:
// "--lr" or "train.ini:3: lr". All overloads of parse() throw UsageError.

std::string text_of(const std::string& value);
std::string text_of(bool value);  // "on" or "off"
std::string text_of(int value);
std::string text_of(int64_t value);
std::string text_of(uint64_t value);
std::string text_of(double value);
std::string text_of(const Duration& value);
std::string text_of(const std::optional<Duration>& value);  // "" for none
std::string text_of(const std::vector<Duration>& values);   // separated by ','
std::string text_of(const std::vector<std::string>& values);
std::string text_of(const WallTime& value);

void parse(const std::string& label, const std::string& text, std::string& value);
void parse(const std::string& label, const std::string& text, bool& value);
void parse(const std::string& label, const std::string& text, int& value);
void parse(const std::string& label, const std::string& text, int64_t& value);
void parse(const std::string& label, const std::string& text, uint64_t& value);
void parse(const std::string& label, const std::string& text, double& value);
void parse(const std::string& label, const std::string& text, Duration& value);
void parse(const std::string& label, const std::string& text, std::optional<Duration>& value);
void parse(const std::string& label, const std::string& text, std::vector<Duration>& values);
void parse(const std::string& label, const std::string& text, std::vector<std::string>& values);
void parse(const std::string& label, const std::string& text, WallTime& value);

// {"a", "b", "c"} -> "a, b or c"
std::string alternatives(const std::vector<std::string>& words);

// The words of an enum that a user may write.
template <class Enum>
std::vector<std::string> written_words() {
  std::vector<std::string> names;
  for (const auto& [value, word] : words_of<Enum>())
    if (!word.empty()) names.push_back(word);
  return names;
}

[[noreturn]] void fail_word(const std::string& label, const std::string& text,
                            const std::vector<std::string>& expected);

template <class Enum>
requires std::is_enum_v<Enum> std::string text_of(Enum value) { return word_of(value); }

template <class Enum>
requires std::is_enum_v<Enum>
void parse(const std::string& label, const std::string& text, Enum& value) {
  for (const auto& [known, word] : words_of<Enum>())
    if (word == text) {
      value = known;
      return;
    }
  fail_word(label, text, written_words<Enum>());
}

}  // namespace d2l::launcher
