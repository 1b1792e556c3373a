#pragma once

#include <vector>

#include "framework/weights/byte_file.h"
#include "framework/weights/zip_file.h"

namespace d2l::weights {

// Reads and checks the directory at the end of a ZIP archive and the header before each entry; see
// ZipFile. Throws Error.
std::vector<ZipFile::Entry> read_zip_directory(const ByteFile& file);

}  // namespace d2l::weights
