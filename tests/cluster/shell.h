#pragma once

#include <string>

#include "tests/support/program.h"

namespace d2l::test {

inline ProgramResult shell(const std::string& command, double seconds = 60) {
  return run_program({"/bin/bash", "-c", command}, seconds);
}

}  // namespace d2l::test
