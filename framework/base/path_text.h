#pragma once

#include <string>

namespace d2l {

// Paths as people write them. `label` is what errors call the option; all throw UsageError.

// "~/x" is x in $HOME, as a shell has it. "~user" and "~x" are refused: "./~x" is a file of that
// name.
std::string expand_home(const std::string& label, const std::string& path);

// The same for where no shell has looked at the path: $NAME and ${NAME} stand for variables, which
// must be set, and $$ for a dollar sign.
std::string expand_path(const std::string& label, const std::string& path);

// A path that is not to be changed, as expand_path() reads it back.
std::string unexpanded_path(const std::string& path);

}  // namespace d2l
