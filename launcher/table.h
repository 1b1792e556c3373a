#pragma once

#include <string>
#include <vector>

namespace d2l::launcher {

using Row = std::vector<std::string>;

// Lines with the first cells flush left and all others flush right, two spaces between columns.
// Rows may be shorter than the first.
std::string table(const std::vector<Row>& rows);

}  // namespace d2l::launcher
