#pragma once

#include <filesystem>
#include <string>

#include "data/dataset.h"
#include "data/table/encode_rows.h"

namespace d2l::data {

// One split of a packed table: the rows as they are used (docs/data-format.md).
struct PackedTable {
  std::string name{}, source{}, licence{};
  Split split = Split::train;
  TableForm form;
  EncodedRows rows{};
};

std::string packed_table_name(Split split);  // "train-table.h5"

// Writes a packed table, as replace_file() does. The file gets its name only if read_table() can
// read it.
void write_table(const std::filesystem::path& path, const PackedTable& table);

// Reads and verifies all of a packed table. The file is not trusted: it is not read with the HDF5
// library, sizes are checked against the file's size before memory is allocated, and everything is
// what write_table() writes: finite values, labels of classes of the form. Throws Error naming the
// file, what was expected and what was found.
PackedTable read_table(const std::filesystem::path& path);

}  // namespace d2l::data
