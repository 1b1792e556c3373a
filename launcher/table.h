#pragma once

#include <string>
#include <vector>

namespace d2l::launcher {

using Row = std::vector<std::string>;

// Formats lines with the first column flush left, all others flush right, and two spaces between
// columns. Rows may be shorter than the first row.
std::string table(const std::vector<Row>& rows);

}  // namespace d2l::launcher
