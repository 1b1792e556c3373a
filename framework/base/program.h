#pragma once

#include <string>

namespace d2l {

// Tells builds of the running program apart: the identifier that the linker gave it (GNU build id),
// in hexadecimal digits, or where it gave none, a checksum of the program's file.
std::string program_id();

}  // namespace d2l
