#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

namespace d2l {

// Something that d2l was given or met is wrong. what() is one line that says what was expected,
// what was found and where; programs print it after "d2l-train: error: " and exit with code 1.
class Error : public std::runtime_error {
 public:
  // what() shows the characters of `message` that would not be seen (text.h: visible).
  explicit Error(const std::string& message);
};

// The command line or a config file is wrong. Programs exit with code 2.
class UsageError : public Error {
 public:
  using Error::Error;
};

// What every rank of a job throws with the same message: rank 0 reports it for all, and all end by
// themselves.
class JobError : public Error {
 public:
  explicit JobError(const std::string& message, int exit_code = 1)
      : Error(message), exit_code_(exit_code) {}
  int exit_code() const { return exit_code_; }

 private:
  int exit_code_;
};

// Everything that streams, glued together: concat("size ", 3) == "size 3".
template <class... Parts>
std::string concat(const Parts&... parts) {
  std::ostringstream stream;
  (stream << ... << parts);
  return stream.str();
}

template <class... Parts>
[[noreturn]] void fail(const Parts&... parts) {
  throw Error(concat(parts...));
}

// check(ok, "conv2d: weight expects ", a, " input channels, input has ", b)
template <class... Parts>
void check(bool ok, const Parts&... parts) {
  if (!ok) [[unlikely]]
    fail(parts...);
}

}  // namespace d2l
