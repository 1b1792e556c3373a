#include "framework/train/progress.h"

#include <algorithm>
#include <cstdio>

#include "framework/base/error.h"
#include "framework/base/text.h"

namespace d2l {
namespace {

constexpr int kBarWidth = 10;

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

Progress::Progress(Options options, const Terminal& terminal)
    : options_(options), terminal_(terminal), last_(Clock::now()) {}

std::string Progress::line(const State& state) {
  const double part = std::clamp(state.done, 0.0, 1.0);
  std::string text = concat("epoch ", state.epoch, "/", state.epochs, " ", bar(part), " ",
                            static_cast<int>(100 * part), "%  ", short_number(state.examples_per_s),
                            " examples/s  loss ", fixed(state.loss, 3));
  if (state.seconds_left >= 0) text += "  ETA " + remaining(state.seconds_left);
  return text + concat("  data wait ", fixed(state.data_wait_s, 1), "s");
}

void Progress::update(const State& state) {
  if (options_.form == Form::off) return;
  const Clock::time_point now = Clock::now();
  if (options_.form == Form::lines) {
    if (now - last_ < options_.between_lines) return;
    draw(line(state) + "\n");
  } else {
    if (drawn_ && now - last_ < options_.between_bars) return;
    const int columns = terminal_.columns();
    if (columns < kFewestColumns) return clear();
    // Some terminals wrap a line that fills their whole width.
    draw("\r" + line(state).substr(0, static_cast<size_t>(columns) - 1) + "\033[K");
    drawn_ = true;
  }
  last_ = now;
}

void Progress::clear() {
  if (!drawn_) return;
  drawn_ = false;
  draw("\r\033[K");
}

}  // namespace d2l
