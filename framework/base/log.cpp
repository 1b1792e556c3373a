#include "framework/base/log.h"

#include <fcntl.h>

#include <cerrno>
#include <cstring>
#include <ctime>

#include "framework/base/files.h"

namespace d2l {

Log::~Log() {
  if (file_) std::fclose(file_);
}

void Log::open(const std::filesystem::path& path) {
  std::FILE* file = ::fdopen(open_regular_file(path, O_WRONLY | O_APPEND | O_CREAT), "a");
  check(file != nullptr, "cannot write ", path.string(), ": ", std::strerror(errno));
  std::vector<std::string> early;
  {
    std::lock_guard lock(mutex_);
    if (file_) std::fclose(file_);
    file_ = file;
    early.swap(early_warnings_);
  }
  for (const std::string& line : early) write_file(line);
}

void Log::write_info(const std::string& line) {
  if (!quiet_) {
    std::lock_guard lock(terminal_mutex_);
    std::printf("%s%s\n", name_.c_str(), line.c_str());
    std::fflush(stdout);
  }
  write_file(line);
}

void Log::write_warning(const std::string& line) {
  {
    std::lock_guard lock(terminal_mutex_);
    std::fprintf(stderr, "warning: %s%s\n", name_.c_str(), line.c_str());
  }
  {
    std::lock_guard lock(mutex_);
    if (!file_) return early_warnings_.push_back("warning: " + line);
  }
  write_file("warning: " + line);
}

void Log::write_file(const std::string& line) {
  std::lock_guard lock(mutex_);
  if (!file_) return;
  std::time_t now = std::time(nullptr);
  std::tm parts{};
  localtime_r(&now, &parts);
  char stamp[32];
  std::strftime(stamp, sizeof stamp, "%F %T", &parts);
  std::fprintf(file_, "%s %s\n", stamp, line.c_str());
  std::fflush(file_);
}

}  // namespace d2l
