#pragma once

#include <string>

#include "launcher/command_line.h"
#include "launcher/ini.h"
#include "launcher/options/config.h"
#include "models/recipes.h"

namespace d2l::launcher {

// Throws UsageError for values that do not parse.
void apply_settings(Config& config, const Settings& settings);

// Overrides `config` with the recipe. Throws UsageError for options that do not exist or are not
// kept with a run, and for values that do not parse.
void apply_recipe(Config& config, const models::Recipe& recipe);

// `name = value` lines with every option that is kept with a run; from_ini() reads it back to the
// same bits.
std::string to_ini(const Config& config);

// The defaults overridden by the text's options; does not apply a recipe named in it. Errors have
// `source` before the line number. Throws UsageError.
Config from_ini(const std::string& text, const std::string& source = "config");

// The stored options, overridden by those in command_line.given. A recipe other than the stored one
// overrides the stored options, but not command_line.given.
Config config_for_resume(const CommandLine& command_line, const std::string& stored_ini,
                         const std::string& source = "config");

}  // namespace d2l::launcher
