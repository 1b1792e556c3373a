#pragma once

#include <string>

#include "launcher/command_line.h"
#include "launcher/ini.h"
#include "launcher/options/config.h"
#include "models/recipes.h"

namespace d2l::launcher {

// Throws UsageError for values that do not parse.
void apply_settings(Config& config, const Settings& settings);

// Puts what the recipe says over what `config` says. Throws UsageError for options that do not
// exist or are not kept with a run, and for values that do not parse.
void apply_recipe(Config& config, const models::Recipe& recipe);

// `name = value` lines with every option that is kept with a run; from_ini() reads it back to the
// same bits.
std::string to_ini(const Config& config);

// The defaults with the text's options on top; a recipe that it names is not looked up. `source`
// stands before the line number in errors. Throws UsageError.
Config from_ini(const std::string& text, const std::string& source = "config");

// The stored options with those of command_line.given on top. A recipe counts only where it is
// another one than the stored: then it lies between the two.
Config config_for_resume(const CommandLine& command_line, const std::string& stored_ini,
                         const std::string& source = "config");

}  // namespace d2l::launcher
