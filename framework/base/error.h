#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

namespace d2l {

// Invalid input or a failed operation. what() is one line: what was expected, what was found, and
// where. Programs print it after their name and "error: " and exit with code 1.
class Error : public std::runtime_error {
 public:
  // what() shows invisible characters of `message` escaped (see visible() in text.h).
  explicit Error(const std::string& message);
};

// The command line or a config file is wrong. Programs exit with code 2.
class UsageError : public Error {
 public:
  using Error::Error;
};

// An error that every rank of a job throws with the same message. Rank 0 reports it for all ranks;
// each rank then ends by itself.
class JobError : public Error {
 public:
  explicit JobError(const std::string& message, int exit_code = 1)
      : Error(message), exit_code_(exit_code) {}
  int exit_code() const { return exit_code_; }

 private:
  int exit_code_;
};

// Concatenates everything that can be streamed: concat("size ", 3) == "size 3".
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
