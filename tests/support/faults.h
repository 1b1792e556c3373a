#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace d2l::test {

// Returns the command with failing system calls, see faults_library.cpp: "flock=ENOLCK link=EPERM".
// If `condition` names a file, the calls fail only while it exists.
std::vector<std::string> with_faults(const std::string& faults, std::vector<std::string> command,
                                     const std::filesystem::path& condition = {});

// Whether the library exists: packages and builds with sanitizers do not have it. Use as: if
// (!can_fault()) GTEST_SKIP() << kNoFaults;
bool can_fault();
inline constexpr const char* kNoFaults = "no library of faults to load";

}  // namespace d2l::test
