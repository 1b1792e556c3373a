#pragma once

#include <cstdlib>
#include <string>

namespace d2l::test {

// The number in an environment variable that makes a test longer, or the usual one. All of them:
// docs/contributing.md.
inline int setting(const char* variable, int usual) {
  const char* wanted = std::getenv(variable);
  return wanted == nullptr ? usual : std::stoi(wanted);
}

}  // namespace d2l::test
