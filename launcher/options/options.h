#pragma once

#include <string>
#include <vector>

#include "launcher/options/config.h"
#include "launcher/options/option.h"

namespace d2l::launcher {

// All options, in the order of --help.
const std::vector<Option>& options();
const Option* find_option(const std::string& name);   // nullptr: there is none
const Option& option_named(const std::string& name);  // throws Error where there is none

// Throws UsageError naming the first number that is out of its range.
void check_values(const Config& config);

// Throws UsageError naming the first option that is out of its range, or that does not go with the
// others, or that is one of `given`, is not at its default and has no effect with the others.
void validate(const Config& config, const Given& given = {});

}  // namespace d2l::launcher
