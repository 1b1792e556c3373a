#include "framework/train/progress.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "framework/base/error.h"
#include "framework/base/text.h"

namespace d2l {
namespace {

constexpr std::chrono::milliseconds kBetweenDraws{100};
constexpr int kBarWidth = 10;

// The terminal that this process's standard output ends on; -1 when it ends elsewhere. Open MPI
// gives ranks a terminal of its own whatever mpirun writes to, so that mpirun's output decides
// there.
int find_terminal() {
  int output = STDOUT_FILENO;
  if (std::getenv("OMPI_COMM_WORLD_RANK") != nullptr)
    output =
        ::open(concat("/proc/", ::getppid(), "/fd/1").c_str(), O_WRONLY | O_NOCTTY | O_CLOEXEC);
  return output >= 0 && ::isatty(output) == 1 ? output : -1;
}

int terminal() {
  static const int kDescriptor = find_terminal();
  return kDescriptor;
}

int terminal_columns() {
  winsize size{};
  bool known = ::ioctl(terminal(), TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

// 38123 -> "38.1k"
std::string short_number(double number) {
  if (number >= 999.95e3) return fixed(number / 1e6, 1) + "M";
  if (number >= 999.95) return fixed(number / 1e3, 1) + "k";
  return fixed(number, number < 9.95 ? 1 : 0);
}

std::string remaining(double seconds) {
  return seconds < 59.5 ? fixed(seconds, 0) + "s" : human_seconds(seconds);
}

std::string bar(double part) {
  int filled = static_cast<int>(part * kBarWidth);
  std::string text(static_cast<size_t>(filled), '=');
  if (filled < kBarWidth) text += '>';
  text.resize(kBarWidth, ' ');
  return "[" + text + "]";
}

void draw(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

}  // namespace

bool Progress::is_terminal() {
  const char* kind = std::getenv("TERM");
  return kind != nullptr && std::string_view(kind) != "dumb" && terminal() >= 0;
}

std::string Progress::line(const State& state, int columns) {
  double part =
      state.steps > 0 ? static_cast<double>(state.step) / static_cast<double>(state.steps) : 0.0;
  part = std::clamp(part, 0.0, 1.0);
  std::string text = concat("epoch ", state.epoch, "/", state.epochs, " ", bar(part), " ",
                            static_cast<int>(100 * part), "%  ", short_number(state.examples_per_s),
                            " examples/s  loss ", fixed(state.loss, 3));
  if (state.seconds_left >= 0) text += "  ETA " + remaining(state.seconds_left);
  text += concat("  data wait ", fixed(state.data_wait_s, 1), "s");
  return text.substr(0, static_cast<size_t>(std::max(columns, 0)));
}

void Progress::update(const State& state) {
  if (!enabled_) return;
  Clock::time_point now = Clock::now();
  if (drawn_ && now - last_ < kBetweenDraws) return;
  last_ = now;
  drawn_ = true;
  // A line as wide as the terminal would make some of them wrap.
  draw("\r" + line(state, terminal_columns() - 1) + "\033[K");
}

void Progress::clear() {
  if (!drawn_) return;
  drawn_ = false;
  draw("\r\033[K");
}

}  // namespace d2l
