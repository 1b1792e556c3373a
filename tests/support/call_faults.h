#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace d2l::test {

// A system call of a program on a file in a folder.
struct SystemCall {
  int number = 0;  // counted from 1
  std::string name, path;
};

// What happens to the calls `first` to `last`: an error ("EIO", also after the call is made:
// "EIO-after"), "short" (a write takes only half of the bytes), or "kill" (SIGKILL before the
// call). See call_faults_library.cpp.
struct CallFault {
  int first = 0, last = 0;
  std::string effect;
};

// Returns the command with this fault in its calls on files in `folder`. With `log`, each call
// appends a line to this file. The command must not start other programs.
std::vector<std::string> with_call_fault(const std::filesystem::path& folder,
                                         const CallFault& fault, std::vector<std::string> command,
                                         const std::filesystem::path& log = {});

// The calls in such a file.
std::vector<SystemCall> logged_calls(const std::filesystem::path& log);

// Whether the library exists (see can_fault) and the system lets it see the calls.
bool can_fault_calls();
inline constexpr const char* kNoCallFaults = "no library of faults, or no seccomp filters";

}  // namespace d2l::test
