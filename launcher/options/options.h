#pragma once

#include <string>
#include <vector>

#include "launcher/options/config.h"
#include "launcher/options/option.h"

namespace d2l::launcher {

// All options, in the order of --help.
const std::vector<Option>& options();
const Option* find_option(const std::string& name);   // nullptr if there is none
const Option& option_named(const std::string& name);  // throws Error if there is none

// Throws UsageError naming the first number out of its range.
void check_values(const Config& config);

// Throws UsageError naming the first option that is out of its range, conflicts with others, or is
// in `given`, differs from its default and has no effect with the others.
void validate(const Config& config, const Given& given = {});

}  // namespace d2l::launcher
