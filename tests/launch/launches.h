#pragma once

#include <cstdlib>
#include <string>
#include <vector>

#include "tests/support/program.h"
#include "tests/support/support.h"

namespace d2l::test {

using Words = std::vector<std::string>;

inline Words operator+(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

// The command line of d2l-launch, which finds mpirun. No program: without "--" too.
inline Words launch_command(const Words& options, const Words& program) {
  Words words;
  for (const std::string& word : on_ranks(1, {"true"})) {
    // the words before mpirun set its environment
    if (word.ends_with("/mpirun") || word.ends_with("/mpiexec")) {
      // otherwise mpirun waits for two seconds if a rank fails that does not use MPI
      words.emplace_back("OMPI_MCA_odls_base_sigkill_timeout=0");
      words.push_back("PATH=" + word.substr(0, word.rfind('/')) + ":" + std::getenv("PATH"));
      break;
    }
    words.push_back(word);
  }
  words = words + Words{(bin_dir() / "d2l-launch").string()} + options;
  if (program.empty()) return words;
  return words + Words{"--"} + program;
}

}  // namespace d2l::test
