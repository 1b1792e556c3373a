#include "launcher/stored_config.h"

#include "launcher/options/options.h"
#include "launcher/options/usage.h"

namespace d2l::launcher {

void apply_settings(Config& config, const Settings& settings) {
  for (const Setting& setting : settings)
    option_named(setting.name).member->parse(config, setting.label, setting.value);
}

void apply_recipe(Config& config, const models::Recipe& recipe) {
  const std::string where = concat("recipe ", recipe.name, ": ");
  config.model.recipe = recipe.name;
  config.model.name = recipe.name;
  parse(where + "init", recipe.init, config.model.init);
  config.model.width = recipe.width;
  config.data.resize = recipe.resize;
  config.optimizer.lr = recipe.lr;
  config.training.batch_size = recipe.batch_size;
  config.training.epochs = recipe.epochs;
  for (const auto& [name, value] : recipe.options) {
    const Option* option = find_option(name);
    if (option == nullptr || !option->is_kept()) usage(where, "no option '", name, "'");
    option->member->parse(config, where + name, value);
  }
}

std::string to_ini(const Config& config) {
  std::string text;
  for (const Option& option : options())
    if (option.is_kept())
      text += option.name + " = " + ini_value(option, option.member->text(config)) + "\n";
  return text;
}

Config from_ini(const std::string& text, const std::string& source) {
  Config config;
  apply_settings(config, parse_ini(text, source));
  return config;
}

Config config_for_resume(const CommandLine& command_line, const std::string& stored_ini,
                         const std::string& source) {
  Config config = from_ini(stored_ini, source);
  const std::string& recipe = command_line.config.model.recipe;
  if (command_line.given.count("recipe") && recipe != config.model.recipe)
    apply_recipe(config, models::find_recipe(recipe));
  for (const std::string& name : command_line.given)
    option_named(name).member->copy(config, command_line.config);
  // the GPUs' --comm does not apply to a run that continues on CPUs
  if (config.machine.device == DeviceChoice::cpu && !command_line.given.count("comm"))
    config.machine.comm = CommChoice::automatic;
  return config;
}

}  // namespace d2l::launcher
