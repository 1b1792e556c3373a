#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace d2l::test {

// The command, with system calls that fail as faults_library.cpp says: "flock=ENOLCK link=EPERM";
// where `condition` names a file, only while it is there.
std::vector<std::string> with_faults(const std::string& faults, std::vector<std::string> command,
                                     const std::filesystem::path& condition = {});

// Whether the library is there to be loaded: packages and builds with sanitizers have none.
// Use as: if (!can_fault()) GTEST_SKIP() << kNoFaults;
bool can_fault();
inline constexpr const char* kNoFaults = "no library of faults to load";

}  // namespace d2l::test
