#pragma once

#include <string>

#include "framework/base/terminal.h"

namespace d2l {

// One line of text on standard output that is redrawn in place. Not thread-safe.
class StatusLine {
 public:
  // Narrower terminals get no line.
  static constexpr int kFewestColumns = 20;

  explicit StatusLine(const Terminal& terminal) : terminal_(terminal) {}
  ~StatusLine() { clear(); }
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;

  // Shows the text, which must not contain control characters, or its beginning if the terminal is
  // too narrow for it.
  void show(const std::string& text);
  // Removes the line, so that other text can be printed.
  void clear();
  bool is_shown() const { return shown_; }

 private:
  Terminal terminal_;
  bool shown_ = false;
};

// bar_text(0.5) == "[=====>    ]"; `part` is in [0, 1].
std::string bar_text(double part);

// The time that is left: "12s", "3m05s", "1h02m".
std::string remaining_text(double seconds);

}  // namespace d2l
