#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace d2l {

// One line at the bottom of a terminal, on standard output, redrawn in place at most ten times a
// second. Does nothing when it is not enabled. One thread only.
class Progress {
 public:
  struct State {
    int64_t epoch = 0;  // the first is 1
    int64_t epochs = 0;
    int64_t step = 0;  // the bar shows step of steps
    int64_t steps = 0;
    double examples_per_s = 0;
    double loss = 0;
    double data_wait_s = 0;
    double seconds_left = -1;  // below 0: not known
  };

  explicit Progress(bool enabled) : enabled_(enabled) {}
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Whether standard output ends on a terminal that can redraw a line.
  static bool is_terminal();
  // The line without control characters, at most `columns` long.
  static std::string line(const State& state, int columns);

  void update(const State& state);
  // Takes the line away, so that other text can be printed; the next update() draws it again.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;

  bool enabled_;
  bool drawn_ = false;
  Clock::time_point last_{};
};

}  // namespace d2l
