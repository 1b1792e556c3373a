#pragma once

#include <vector>

#include "framework/hdf5_reader/object.h"

namespace d2l::hdf5 {

// The links of a group in the format of HDF5 1.0 to 1.8, in which a version 1 B-tree leads to
// tables of symbols and a local heap has their names. `message` is the group's symbol table
// message.
std::vector<Link> read_symbol_table(const Structures& file, const Message& message);

}  // namespace d2l::hdf5
