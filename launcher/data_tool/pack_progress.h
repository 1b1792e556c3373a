#pragma once

#include <chrono>
#include <cstdint>

#include "framework/base/status_line.h"
#include "framework/base/terminal.h"

namespace d2l::data_tool {

// Shows how far the packing is: a line that is redrawn on a terminal, otherwise a line every 30
// seconds.
class PackProgress {
 public:
  PackProgress();
  void update(int64_t done, int64_t total);
  // Removes the line, so that other text can be printed.
  void clear() { line_.clear(); }

 private:
  using Clock = std::chrono::steady_clock;

  Terminal terminal_;
  StatusLine line_;
  Clock::time_point begin_, last_;
};

}  // namespace d2l::data_tool
