#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "framework/launch/start_command.h"

namespace d2l::launch {

inline constexpr int kNoRank = -1;

// A line that a rank has printed. kNoRank: the starter itself or, in plain output, anyone.
struct OutputLine {
  int rank = kNoRank;
  std::string text;
};

// Tells which ranks have printed a starter's output, if it says so. One object for standard output
// and one for standard error.
class OutputReader {
 public:
  explicit OutputReader(OutputForm form) : form_(form) {}

  // The lines that `line`, a line of the starter's output, completes.
  std::vector<OutputLine> read(const std::string& line);
  // What remains at the end of the output: lines without a line break.
  std::vector<OutputLine> rest();

 private:
  std::vector<OutputLine> read_tagged(const std::string& line);

  OutputForm form_;
  std::map<int, std::string> unfinished_;  // of each rank
};

}  // namespace d2l::launch
