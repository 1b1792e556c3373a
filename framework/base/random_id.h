#pragma once

#include <string>

namespace d2l {

// 16 hexadecimal digits, 62 bits of them from the system's random numbers, so that no two are ever
// equal. The first is a letter: programs that read tables do not take it for a number.
std::string random_id();

}  // namespace d2l
