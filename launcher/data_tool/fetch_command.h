#pragma once

#include <string>
#include <vector>

namespace d2l {

// d2l-data fetch: downloads the original files of a dataset. `words` are the command's arguments.
// Throws UsageError or Error.
void fetch(const std::vector<std::string>& words);

}  // namespace d2l
