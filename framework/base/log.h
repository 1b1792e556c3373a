#pragma once

#include <cstdio>
#include <filesystem>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "framework/base/error.h"

namespace d2l {

// Lines for people: to standard output (warnings to standard error) and, once opened, to a file
// with a time stamp before each. One object, made by main(); a quiet one (ranks other than 0) only
// passes warnings on, after the name of who warns. Safe to call from several threads.
class Log {
 public:
  explicit Log(bool quiet = false, std::string name = "") : quiet_(quiet), name_(std::move(name)) {}
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  // Appends to `path` from now on, and first the warnings that there have been. Throws Error when
  // it cannot be opened or is no regular file.
  void open(const std::filesystem::path& path);

  template <class... Parts>
  void info(const Parts&... parts) {
    write_info(concat(parts...));
  }
  template <class... Parts>
  void warn(const Parts&... parts) {
    write_warning(concat(parts...));
  }
  // Into the file only.
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
  std::mutex mutex_;
  std::FILE* file_ = nullptr;
  std::vector<std::string> early_warnings_;  // before open()
};

}  // namespace d2l
