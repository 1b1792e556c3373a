#include "launcher/options/resume_rules.h"

#include "launcher/options/options.h"
#include "launcher/options/usage.h"

namespace d2l::launcher {
namespace {

// An option's value before and now, or the data's content for options that are compared by
// contents.
struct ValuePair {
  std::string before, now;
  bool same = true;
};

ValuePair values_of(const Option& option, const ResumePoint& point, const Config& config,
                    const std::string& data) {
  if (option.by_contents && !point.data.empty()) return {point.data, data, point.data == data};
  return {option.member->text(point.config), option.member->text(config),
          option.member->same(point.config, config)};
}

void check_run_rule(const Option& option, const ResumePoint& point, const Config& config,
                    const ValuePair& value) {
  if (option.on_resume == ResumeRule::fixed_in_run && !value.same)
    usage("--", option.name, " cannot change within a run: ", point.checkpoint, " has --",
          option.name, " ", value.before, ", found ", value.now);
  if (option.on_resume == ResumeRule::zero_fixed_in_run &&
      option.is_default(point.config) != option.is_default(config))
    usage("--", option.name,
          " cannot change between 0 and above 0 within a run: ", point.checkpoint, " has ",
          value.before, ", found ", value.now);
}

void check_epoch_rule(const Option& option, const ResumePoint& point, const ValuePair& value) {
  if (option.on_resume == ResumeRule::fixed_in_epoch && !value.same)
    usage("--", option.name, " can change only between epochs: ", point.checkpoint,
          " is from the middle of an epoch with --", option.name, " ", value.before, ", found ",
          value.now);
}

}  // namespace

void check_resume(const ResumePoint& point, const Config& config, const std::string& data) {
  for (const Option& option : options())
    if (option.has_effect(config))
      check_run_rule(option, point, config, values_of(option, point, config, data));
  if (!point.inside_epoch) return;
  for (const Option& option : options())
    if (option.has_effect(config))
      check_epoch_rule(option, point, values_of(option, point, config, data));
}

}  // namespace d2l::launcher
