#pragma once

#include <cstdio>
#include <filesystem>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "framework/base/error.h"

namespace d2l {

// Writes lines for users to standard output (warnings to standard error) and, after open(), also to
// a file with a time stamp in front. `name` precedes each line outside the file, for example the
// process's name. A quiet log (ranks other than 0) writes only warnings. Thread-safe.
class Log {
 public:
  explicit Log(bool quiet = false, std::string name = "") : quiet_(quiet), name_(std::move(name)) {}
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  // Appends to `path` from now on, beginning with all earlier warnings. Throws Error if the file
  // cannot be opened or is not a regular file.
  void open(const std::filesystem::path& path);

  template <class... Parts>
  void info(const Parts&... parts) {
    write_info(concat(parts...));
  }
  template <class... Parts>
  void warn(const Parts&... parts) {
    write_warning(concat(parts...));
  }
  // Writes to the file only.
  template <class... Parts>
  void note(const Parts&... parts) {
    write_file(concat(parts...));
  }

 private:
  void write_info(const std::string& line);
  void write_warning(const std::string& line);
  void write_file(const std::string& line);

  bool quiet_;
  std::string name_;
  std::mutex terminal_mutex_;  // so that a file system that hangs stops no line on the terminal
  std::mutex mutex_;           // guards what follows
  std::FILE* file_ = nullptr;
  std::vector<std::string> early_warnings_;  // before open()
};

}  // namespace d2l
