#pragma once

#include <string>

#include "launcher/options/config.h"

namespace d2l::launcher {

// Where a run stands that is to be resumed.
struct ResumePoint {
  Config config = {};     // the options that it came there with
  std::string data = {};  // what its training data hold: a fingerprint; "": not known
  bool inside_epoch = false;
  std::string checkpoint = {};  // what errors call it
};

// By the options' ResumeRules. `data` is what the training data hold now. Throws UsageError naming
// the first option that may not have its value in `config`.
void check_resume(const ResumePoint& point, const Config& config, const std::string& data);

}  // namespace d2l::launcher
