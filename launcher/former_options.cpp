#include "launcher/former_options.h"

#include "framework/base/text.h"
#include "launcher/options/usage.h"

namespace d2l::launcher {
namespace {

struct FormerOption {
  const char *name, *step, *value;
};

// In the order of the steps.
constexpr FormerOption kFormer[] = {
    {"crop-padding", "pad-crop", "N"}, {"flip", "flip", "P"}, {"brightness", "brightness", "B"}};

}  // namespace

bool FormerOptions::take(const Setting& setting) {
  for (const FormerOption& former : kFormer)
    if (setting.name == former.name) return found_.emplace(setting.name, setting).second;
  return false;
}

void FormerOptions::add_to(Settings& settings) const {
  if (found_.empty()) return;
  for (const Setting& setting : settings)
    if (setting.name == "augment")
      usage(found_.begin()->second.label, " is a step of augment: expected it in ", setting.label,
            ", found '", setting.value, "' there");
  std::vector<std::string> labels, steps;
  for (const FormerOption& former : kFormer) {
    const auto found = found_.find(former.name);
    if (found == found_.end()) continue;
    labels.push_back(found->second.label);
    steps.push_back(concat(former.step, " ", found->second.value));
  }
  settings.push_back({"augment", join(labels, ", "), join(steps, ", ")});
}

std::string FormerOptions::instead_of(const std::string& flag) {
  for (const FormerOption& former : kFormer)
    if (flag == concat("--", former.name)) return concat("'", former.step, " ", former.value, "'");
  return "";
}

}  // namespace d2l::launcher
