#include "framework/base/last_words.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

// Code that signal handlers reach uses only system calls and its own memory.

namespace d2l {
namespace {

constexpr std::array kFatal = {SIGHUP,  SIGINT,  SIGQUIT, SIGILL,  SIGABRT, SIGBUS,  SIGFPE,
                               SIGSEGV, SIGPIPE, SIGTERM, SIGUSR1, SIGUSR2, SIGXCPU, SIGXFSZ};
// Signals that the process raises itself: no other process knows a better reason.
constexpr std::array kOwn = {SIGILL, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGPIPE, SIGXFSZ};
constexpr const char* kMark = "error: ";
constexpr size_t kStamp = 20;  // "2026-01-31 23:59:59 "

std::atomic<LastWords*> current = nullptr;
std::array<struct sigaction, kFatal.size()> before;

// A line of limited length, built without allocation.
class Line {
 public:
  Line& add(const char* text) {
    while (*text != '\0' && size_ + 1 < sizeof text_) text_[size_++] = *text++;
    return *this;
  }
  Line& add(int64_t number, int digits = 1) {
    char reversed[24];
    int count = 0;
    for (; number > 0 || count < digits; number /= 10)
      reversed[count++] = static_cast<char>('0' + number % 10);
    while (count > 0 && size_ + 1 < sizeof text_) text_[size_++] = reversed[--count];
    return *this;
  }
  // Ends the text as one line: line breaks become spaces.
  void end() {
    std::replace(text_, text_ + size_, '\n', ' ');
    text_[size_++] = '\n';
  }
  const char* data() const { return text_; }
  const char* c_str() {
    text_[size_] = '\0';
    return text_;
  }
  size_t size() const { return size_; }

 private:
  char text_[4096];
  size_t size_ = 0;
};

// The time stamp of the log's other lines; `seconds` since 1970 in local time. Years begin in March
// here; 400 of them have 146,097 days.
void add_stamp(Line& line, int64_t seconds) {
  const int64_t days = seconds / 86400 + 719468, time = seconds % 86400;
  const int64_t era = days / 146097, day = days % 146097;
  const int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
  const int64_t in_year = day - (365 * year + year / 4 - year / 100);
  const int64_t month = (5 * in_year + 2) / 153;
  line.add(era * 400 + year + (month >= 10 ? 1 : 0), 4).add("-");
  line.add(month < 10 ? month + 3 : month - 9, 2).add("-");
  line.add(in_year - (153 * month + 2) / 5 + 1, 2).add(" ");
  line.add(time / 3600, 2).add(":").add(time / 60 % 60, 2).add(":").add(time % 60, 2).add(" ");
}

// The end of the log file, with the position of the last line with the mark.
struct Tail {
  char text[4096] = {};
  size_t size = 0;
  size_t words = 0,
         words_end = 0;  // what follows the mark, up to its line's end; empty: no such line
  bool words_are_last = false;
};

// Reads the last whole lines that were written after `begin`.
void read_tail(int file, int64_t begin, int64_t end, Tail& tail) {
  const int64_t size = std::min<int64_t>(sizeof tail.text, end - begin);
  if (size <= 0 || ::pread(file, tail.text, static_cast<size_t>(size), end - size) != size) return;
  tail.size = static_cast<size_t>(size);
  const size_t mark = std::strlen(kMark);
  for (size_t line = 0, next = 0; line < tail.size; line = next) {
    const void* found = std::memchr(tail.text + line, '\n', tail.size - line);
    if (found == nullptr) return;
    next = static_cast<size_t>(static_cast<const char*>(found) - tail.text) + 1;
    const bool marked =
        line + kStamp + mark < next && std::memcmp(tail.text + line + kStamp, kMark, mark) == 0;
    tail.words_are_last = marked;
    if (!marked) continue;
    tail.words = line + kStamp + mark;
    tail.words_end = next - 1;
  }
}

void wait(int milliseconds) {
  const timespec pause{milliseconds / 1000, milliseconds % 1000 * 1000000L};
  ::nanosleep(&pause, nullptr);
}

void add_sender(Line& line, const siginfo_t& info) {
  if (info.si_code > 0 || info.si_pid <= 0) return;  // sent by the kernel
  Line path;
  const int file =
      ::open(path.add("/proc/").add(info.si_pid).add("/comm").c_str(), O_RDONLY | O_CLOEXEC);
  char name[64] = {};
  ssize_t size = 0;
  if (file >= 0) {
    size = ::read(file, name, sizeof name - 1);
    ::close(file);
  }
  line.add(", sent by process ").add(info.si_pid);
  if (size <= 1) return;
  name[size - 1] = '\0';  // replaces the line break at its end
  line.add(" (").add(name).add(")");
}

}  // namespace

LastWords::LastWords(std::string speaker, int patience)
    : speaker_(std::move(speaker)), patience_(patience) {}

LastWords::~LastWords() {
  if (!catches_) return;
  for (size_t i = 0; i < kFatal.size(); ++i) ::sigaction(kFatal[i], &before[i], nullptr);
  current = nullptr;
}

void LastWords::belong_to(const std::filesystem::path& log) {
  std::error_code missing;
  const auto size = std::filesystem::file_size(log, missing);
  if (missing) return;
  begin_ = static_cast<int64_t>(size);
  log_ = std::filesystem::absolute(log).string();
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  localtime_r(&now, &parts);
  seconds_east_ = parts.tm_gmtoff;
  if (!catches_) catch_signals();
}

void LastWords::catch_signals() {
  LastWords* none = nullptr;
  catches_ = current.compare_exchange_strong(none, this);
  if (!catches_) return;
  struct sigaction action {};
  action.sa_sigaction = &LastWords::on_signal;
  action.sa_flags = SA_SIGINFO;
  for (size_t i = 0; i < kFatal.size(); ++i) {
    ::sigaction(kFatal[i], nullptr, &before[i]);
    const bool ignored = (before[i].sa_flags & SA_SIGINFO) == 0 && before[i].sa_handler == SIG_IGN;
    if (!ignored) ::sigaction(kFatal[i], &action, nullptr);
  }
}

void LastWords::on_signal(int signal, siginfo_t* info, void*) {
  const int error = errno;
  if (LastWords* words = current.exchange(nullptr)) words->say_signal(signal, *info);
  for (size_t i = 0; i < kFatal.size(); ++i)
    if (kFatal[i] == signal) ::sigaction(signal, &before[i], nullptr);
  errno = error;
  ::raise(signal);  // with the previous handler
}

void LastWords::say_signal(int signal, const siginfo_t& info) noexcept {
  const bool own = std::find(kOwn.begin(), kOwn.end(), signal) != kOwn.end();
  if (!own && patience_ > 0) wait(patience_);
  Line text;
  text.add("ended by SIG").add(::sigabbrev_np(signal));
  add_sender(text, info);
  say(text.c_str());
}

bool LastWords::say(const char* text) noexcept {
  if (log_.empty()) return true;
  const int file = ::open(log_.c_str(), O_RDWR | O_APPEND | O_NONBLOCK | O_CLOEXEC);
  if (file < 0) return true;
  struct stat status {};
  const bool usable = ::fstat(file, &status) == 0 && S_ISREG(status.st_mode);
  Tail tail;
  if (usable) read_tail(file, begin_, status.st_size, tail);
  const bool first = tail.words_end == 0;
  if (usable && !tail.words_are_last) {
    Line line;
    add_stamp(line, static_cast<int64_t>(::time(nullptr)) + seconds_east_);
    line.add(kMark);
    // Another process has written lines after the reason: write the reason again.
    tail.text[tail.words_end] = '\0';
    if (first)
      line.add(speaker_.c_str()).add(text);
    else
      line.add(tail.text + tail.words);
    line.end();
    // An error here cannot be reported to anybody.
    [[maybe_unused]] const ssize_t written = ::write(file, line.data(), line.size());
  }
  ::close(file);
  return first;
}

}  // namespace d2l
