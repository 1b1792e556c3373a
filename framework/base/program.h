#pragma once

#include <string>

namespace d2l {

// The name of the program's file, as it was started: "d2l-train".
std::string program_name();

// Whether the words of a command line ask for the version: --version is one of them, before "--".
bool asks_for_version(int argc, const char* const* argv);
// What a program then prints: "d2l-train 0.1.0\n".
std::string version_text();

// Identifies the build of the running program: the linker's GNU build id in hexadecimal digits, or
// a checksum of the program's file if it has none.
std::string program_id();

// Exit code of a program that has stopped before its end and saved its state: the same command
// with --resume continues it. EX_TEMPFAIL of <sysexits.h>.
inline constexpr int kStoppedEarly = 75;

// Seconds since the process was started.
double seconds_since_start();

}  // namespace d2l
