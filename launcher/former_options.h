#pragma once

#include <map>
#include <string>

#include "launcher/ini.h"

namespace d2l::launcher {

// Options of earlier versions that have become steps of --augment. Config files with them, such as
// those of runs, are still read.
class FormerOptions {
 public:
  // Returns whether the setting is a former option, which is then kept.
  bool take(const Setting& setting);

  // Adds the setting of --augment with the same meaning, if there were former options. Throws
  // UsageError if `settings` have --augment too.
  void add_to(Settings& settings) const;

  // "" or what to write instead of a former option, such as "--flip".
  static std::string instead_of(const std::string& flag);

 private:
  std::map<std::string, Setting> found_;  // by name
};

}  // namespace d2l::launcher
