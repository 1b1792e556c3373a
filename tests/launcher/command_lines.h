#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "launcher/command_line.h"

namespace d2l::launcher {

inline CommandLine parse(std::vector<const char*> words) {
  words.insert(words.begin(), "d2l-train");
  return parse_command_line(static_cast<int>(words.size()), words.data());
}

// The message of a UsageError; any other kind of error fails the test.
template <class Action>
std::string complaint(Action&& action) {
  try {
    action();
  } catch (const UsageError& error) {
    return error.what();
  }
  ADD_FAILURE() << "expected a UsageError, none was thrown";
  return "";
}

inline std::string parse_complaint(const std::vector<const char*>& words) {
  return complaint([&] { parse(words); });
}

}  // namespace d2l::launcher
