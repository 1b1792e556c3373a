#include "launcher/options/options.h"

namespace d2l::launcher {
namespace {

struct GroupRules {
  std::vector<Option> (*options)();
  void (*check)(const Config&, const Given&) = nullptr;  // consistency of its options
};

// In the order of --help.
constexpr GroupRules kGroups[] = {
    {model_options, check_model},
    {data_options, check_data},
    {cross_validation_options, check_cross_validation},
    {image_options, check_images},
    {augmentation_options, check_augmentation},
    {training_options, check_training},
    {optimizer_options, check_optimizer},
    {schedule_options, check_schedule},
    {regularisation_options},
    {run_options, check_run_options},
    {machine_options},
    {plan_options},
    {program_options},
};

}  // namespace

const std::vector<Option>& options() {
  static const std::vector<Option> kTable = [] {
    std::vector<Option> table;
    for (const GroupRules& group : kGroups) {
      const std::vector<Option> options = group.options();
      table.insert(table.end(), options.begin(), options.end());
    }
    return table;
  }();
  return kTable;
}

const Option* find_option(const std::string& name) {
  for (const Option& option : options())
    if (option.name == name) return &option;
  return nullptr;
}

const Option& option_named(const std::string& name) {
  const Option* option = find_option(name);
  check(option != nullptr, "no option '", name, "'");
  return *option;
}

void check_values(const Config& config) {
  for (const Option& option : options()) option.check_range(config);
}

void validate(const Config& config, const Given& given) {
  check_values(config);
  for (const Option& option : options())
    if (given.count(option.name)) option.check_effect(config);
  for (const GroupRules& group : kGroups)
    if (group.check != nullptr) group.check(config, given);
}

}  // namespace d2l::launcher
