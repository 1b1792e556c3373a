#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "framework/base/status_line.h"
#include "framework/base/terminal.h"

namespace d2l {

// Shows a run's progress on standard output: as one line that is redrawn in place, or as successive
// lines. Not thread-safe.
class Progress {
 public:
  enum class Form { off, bar, lines };

  struct Options {
    Form form = Form::off;
    std::string name = {};  // precedes the text
    // Minimum time between redraws of the bar and between lines.
    std::chrono::milliseconds between_bars{100}, between_lines{30'000};
  };

  struct State {
    int64_t epoch = 0;  // the first is 1
    int64_t epochs = 0;
    double done = 0;  // fraction of the run, up to 1
    double examples_per_s = 0;
    double loss = 0;
    double data_wait_s = 0;
    double seconds_left = -1;  // below 0: not known
  };

  Progress(Options options, const Terminal& terminal);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // The text without control characters.
  static std::string line(const State& state);

  void update(const State& state);
  // Removes the bar, so that other text can be printed; the next update() draws it again.
  void clear() { bar_.clear(); }

 private:
  using Clock = std::chrono::steady_clock;

  Options options_;
  StatusLine bar_;
  Clock::time_point last_;
};

}  // namespace d2l
