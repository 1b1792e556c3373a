#pragma once

#include "launcher/manual/help_text.h"

namespace d2l::test {

// What programs print for --help, in small.
inline const char* const kToolHelp =
    "d2l-tool: does\nthings\n"
    "\n"
    "Usage:\n"
    "  d2l-tool [--OPTION VALUE]...   do them\n"
    "  mpirun -n N d2l-tool ...       the same on N ranks,\n"
    "                                 faster\n"
    "\n"
    "A text of\n"
    "two lines.\n"
    "  a word    and its meaning,\n"
    "            which is long\n"
    "The end.\n"
    "\n"
    "Examples:\n"
    "  d2l-tool --out x\n"
    "\n"
    "First group:\n"
    "  --out DIR             folder with \n"
    "                        the results\n"
    "  --very-long-name auto|cpu|N\n"
    "                        where to compute; see --out\n"
    "  --of-exactly-this-len a text of an option without a value\n"
    "\n"
    "Second group:\n"
    "  --data NAME           dataset: a, b-c, d1; or the path of a folder\n"
    "  --file FILE.csv       .csv is its ending\n"
    "  -h [ --help ]         show this help and exit\n"
    "\n"
    "Exit codes: 0 success, 1 failure, for example a damaged file, 128 + N ended by the signal N,\n"
    "otherwise that of the program.\n";

inline const char* const kCommandHelp =
    "Usage: d2l-tool do mnist|cifar10 [--all] \n"
    "       d2l-tool do PATH\n"
    "\n"
    "Options:\n"
    "  --all                 all\n"
    "  --split train|test    one\n"
    "\n"
    "Exit codes: 0 success.\n";

inline manual::Manual tool() {
  return {.program = "d2l-tool", .help = manual::parse_help("d2l-tool", kToolHelp), .commands = {}};
}

}  // namespace d2l::test
