#pragma once

#include <string>

namespace d2l {

// 16 hexadecimal digits with 62 random bits from the system, so that two are never equal in
// practice. The first digit is a letter, so that programs that read tables do not take it for a
// number.
std::string random_id();

}  // namespace d2l
