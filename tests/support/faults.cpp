#include "tests/support/faults.h"

#include "tests/support/support.h"

namespace d2l::test {
namespace {

namespace fs = std::filesystem;

fs::path library() { return bin_dir().parent_path() / "lib" / "libd2l_faults.so"; }

}  // namespace

std::vector<std::string> with_faults(const std::string& faults, std::vector<std::string> command,
                                     const fs::path& condition) {
  if (fs::exists(bin_dir() / command[0])) command[0] = bin_dir() / command[0];
  std::vector<std::string> words = {"env", "LD_PRELOAD=" + library().string(),
                                    "D2L_FAULTS=" + faults};
  if (!condition.empty()) words.push_back("D2L_FAULTS_WHILE=" + condition.string());
  words.insert(words.end(), command.begin(), command.end());
  return words;
}

bool can_fault() { return fs::exists(library()); }

}  // namespace d2l::test
