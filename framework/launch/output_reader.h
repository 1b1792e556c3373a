#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "framework/launch/start_command.h"

namespace d2l::launch {

inline constexpr int kNoRank = -1;

// A line that a rank, or the starter itself (kNoRank), has printed.
struct OutputLine {
  int rank = kNoRank;
  std::string text;
};

// Tells whose output a starter's output is. mpirun (--tag-output) puts a tag before each piece of a
// rank's output, also in the middle of a line; srun (--label) puts a label before each line. One
// object for standard output and one for standard error.
class OutputReader {
 public:
  explicit OutputReader(Starter starter) : starter_(starter) {}

  // The lines that `line`, a line of the starter's output, completes.
  std::vector<OutputLine> read(const std::string& line);
  // What remains at the end of the output: lines without a line break.
  std::vector<OutputLine> rest();

 private:
  std::vector<OutputLine> read_tagged(const std::string& line);

  Starter starter_;
  std::map<int, std::string> unfinished_;  // of each rank
};

}  // namespace d2l::launch
