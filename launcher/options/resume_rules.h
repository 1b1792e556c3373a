#pragma once

#include <string>

#include "launcher/options/config.h"

namespace d2l::launcher {

// The position of a run to be resumed.
struct ResumePoint {
  Config config = {};     // the options of the run so far
  std::string data = {};  // fingerprint of its training data; "": unknown
  bool inside_epoch = false;
  std::string checkpoint = {};  // its name in errors
};

// Checks `config` by the options' ResumeRules. `data`: the current fingerprint of the training
// data. Throws UsageError naming the first option whose change is not allowed.
void check_resume(const ResumePoint& point, const Config& config, const std::string& data);

}  // namespace d2l::launcher
