#include "framework/train/progress.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "framework/base/error.h"
#include "framework/base/text.h"

namespace d2l {
namespace {

// 38123 -> "38.1k"
std::string short_number(double number) {
  if (number >= 999.95e3) return fixed(number / 1e6, 1) + "M";
  if (number >= 999.95) return fixed(number / 1e3, 1) + "k";
  return fixed(number, number < 9.95 ? 1 : 0);
}

}  // namespace

Progress::Progress(Options options, const Terminal& terminal)
    : options_(std::move(options)), bar_(terminal), last_(Clock::now()) {}

std::string Progress::line(const State& state) {
  const double part = std::clamp(state.done, 0.0, 1.0);
  std::string text = concat("epoch ", state.epoch, "/", state.epochs, " ", bar_text(part), " ",
                            static_cast<int>(100 * part), "%  ", short_number(state.examples_per_s),
                            " examples/s  loss ", rounded(state.loss));
  if (state.seconds_left >= 0) text += "  ETA " + remaining_text(state.seconds_left);
  return text + concat("  data wait ", fixed(state.data_wait_s, 1), "s");
}

void Progress::update(const State& state) {
  if (options_.form == Form::off) return;
  const Clock::time_point now = Clock::now();
  if (options_.form == Form::lines) {
    if (now - last_ < options_.between_lines) return;
    std::puts((options_.name + line(state)).c_str());
    std::fflush(stdout);
  } else {
    if (bar_.is_shown() && now - last_ < options_.between_bars) return;
    bar_.show(options_.name + line(state));
  }
  last_ = now;
}

}  // namespace d2l
