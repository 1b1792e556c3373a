#pragma once

#include <string>

namespace d2l {

// Paths as users write them. `label` is the option's name in error messages. All throw UsageError.

// Replaces "~/" at the beginning by $HOME, as a shell does. "~user" and "~x" are refused; write
// "./~x" for a file of that name.
std::string expand_home(const std::string& label, const std::string& path);

// Also replaces $NAME and ${NAME} by the variable, which must be set, and $$ by a dollar sign. For
// paths that no shell has expanded.
std::string expand_path(const std::string& label, const std::string& path);

// Escapes a path so that expand_path() returns it unchanged.
std::string unexpanded_path(const std::string& path);

// The absolute path in its shortest form, without a slash at its end.
std::string absolute_path(const std::string& path);

}  // namespace d2l
