#include "launcher/data_tool/pack_progress.h"

#include <algorithm>
#include <iostream>
#include <string>

#include "framework/base/error.h"
#include "framework/base/text.h"

namespace d2l::data_tool {
namespace {

constexpr std::chrono::seconds kBetweenLines{30};

}  // namespace

PackProgress::PackProgress()
    : terminal_(Terminal::find()), line_(terminal_), begin_(Clock::now()), last_(begin_) {}

void PackProgress::update(int64_t done, int64_t total) {
  const Clock::time_point now = Clock::now();
  const bool redraws = terminal_.redraws();
  if (!redraws && now - last_ < kBetweenLines) return;
  last_ = now;
  const double seconds = std::max(std::chrono::duration<double>(now - begin_).count(), 1e-3);
  const double part = std::clamp(static_cast<double>(done) / static_cast<double>(total), 0.0, 1.0);
  const double speed = static_cast<double>(done) / seconds;
  std::string text = concat("packing ", bar_text(part), " ", static_cast<int>(100 * part), "%  ",
                            with_thousands(done), " of ", with_thousands(total), " images  ",
                            with_thousands(static_cast<int64_t>(speed)), " images/s");
  if (done > 0)
    text += concat("  ",
                   remaining_text(seconds / static_cast<double>(done) *
                                  static_cast<double>(std::max<int64_t>(total - done, 0))),
                   " left");
  if (redraws)
    line_.show(text);
  else
    std::cout << text << std::endl;
}

}  // namespace d2l::data_tool
