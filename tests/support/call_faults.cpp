#include "tests/support/call_faults.h"

#include <fstream>

#include "framework/base/text.h"
#include "tests/support/program.h"
#include "tests/support/support.h"

namespace d2l::test {
namespace {

namespace fs = std::filesystem;

fs::path library() { return bin_dir().parent_path() / "lib" / "libd2l_call_faults.so"; }

}  // namespace

std::vector<std::string> with_call_fault(const fs::path& folder, const CallFault& fault,
                                         std::vector<std::string> command, const fs::path& log) {
  if (fs::exists(bin_dir() / command[0])) command[0] = bin_dir() / command[0];
  std::vector<std::string> words = {"env", "LD_PRELOAD=" + library().string(),
                                    "D2L_CALLS_UNDER=" + folder.string()};
  if (!fault.effect.empty())
    words.push_back(concat("D2L_CALLS_FAULT=", fault.first, "-", fault.last, "=", fault.effect));
  if (!log.empty()) words.push_back("D2L_CALLS_LOG=" + log.string());
  words.insert(words.end(), command.begin(), command.end());
  return words;
}

std::vector<SystemCall> logged_calls(const fs::path& log) {
  std::vector<SystemCall> calls;
  std::ifstream lines(log);
  SystemCall call;
  while (lines >> call.number >> call.name && std::getline(lines >> std::ws, call.path))
    calls.push_back(call);
  return calls;
}

bool can_fault_calls() {
  static const bool kWorks =
      fs::exists(library()) &&
      run_program(with_call_fault("/nowhere", {}, {"/bin/true"})).exit_code == 0;
  return kWorks;
}

}  // namespace d2l::test
