#pragma once

#include <string>
#include <vector>

#include "launcher/manual/help_text.h"

namespace d2l::manual {

struct PageFacts {
  std::string version;                // "0.1.0"
  std::string date;                   // "2026-11-29"
  std::vector<std::string> programs;  // all of them, for "see also"
};

// A page for man, in the language of man(7): d2l-train.1.
std::string manual_page(const Manual& manual, const PageFacts& facts);

}  // namespace d2l::manual
