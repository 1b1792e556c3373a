#include "framework/base/random_id.h"

#include <sys/random.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

#include "framework/base/checksum.h"
#include "framework/base/error.h"

namespace d2l {

std::string random_id() {
  uint64_t bits = 0;
  const bool drawn = ::getrandom(&bits, sizeof bits, 0) == static_cast<ssize_t>(sizeof bits);
  check(drawn, "cannot get random numbers from the system: ", std::strerror(errno));
  constexpr int kRest = 60;
  const uint64_t letter = 0xc + (bits >> kRest) % 4;  // c to f
  return checksum_text(letter << kRest | (bits & ((uint64_t{1} << kRest) - 1)));
}

}  // namespace d2l
