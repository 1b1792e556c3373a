#include "framework/base/status_line.h"

#include <cstdio>

#include "framework/base/text.h"

namespace d2l {
namespace {

constexpr int kBarWidth = 10;

void draw(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

}  // namespace

void StatusLine::show(const std::string& text) {
  const int columns = terminal_.columns();
  if (columns < kFewestColumns) return clear();
  // Some terminals wrap a line that fills their whole width.
  draw("\r" + text.substr(0, static_cast<size_t>(columns) - 1) + "\033[K");
  shown_ = true;
}

void StatusLine::clear() {
  if (!shown_) return;
  shown_ = false;
  draw("\r\033[K");
}

std::string bar_text(double part) {
  const int filled = static_cast<int>(part * kBarWidth);
  std::string text(static_cast<size_t>(filled), '=');
  if (filled < kBarWidth) text += '>';
  text.resize(kBarWidth, ' ');
  return "[" + text + "]";
}

std::string remaining_text(double seconds) {
  return seconds < 59.5 ? fixed(seconds, 0) + "s" : human_seconds(seconds);
}

}  // namespace d2l
