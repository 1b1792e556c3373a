#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/table/packed_table.h"

// How d2l-data describes tables.
namespace d2l::data_tool {

// A number for people: "34,900" or "0.25".
std::string number_words(double number);

// "36 numbers and 43 categories give 331 values for each row"
std::string columns_text(const data::TableForm& form);

// "SalePrice: numbers from 34,900 to 755,000", or "species: 3 classes: setosa 50, ...". `counts`:
// of the classes; empty for numbers.
std::string target_text(const data::TargetColumn& target, const std::vector<int64_t>& counts);

// The files of packed tables that a path means: itself, or those in a folder; empty if none.
std::vector<std::filesystem::path> table_files(const std::filesystem::path& path);

// Throws Error if the path means a table: `command` is for images.
void refuse_table(const std::string& command, const std::filesystem::path& path);

}  // namespace d2l::data_tool
