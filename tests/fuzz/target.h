#pragma once

#include <cstdint>
#include <cstdlib>

#include "framework/base/error.h"

namespace d2l::fuzz {

// Runs a parser on an input. It may accept the input or throw Error; everything else (a crash,
// another exception, a hang) ends the process, and libFuzzer reports the input.
template <class Parse>
int accepts_or_throws(const Parse& parse) {
  try {
    parse();
  } catch (const Error&) {
    return 0;
  }
  return 0;
}

// What must hold for an accepted input.
inline void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace d2l::fuzz
