#pragma once

#include <cstdio>
#include <filesystem>
#include <map>
#include <string>
#include <utility>

#include "framework/launch/output_reader.h"

namespace d2l::launch {

// Prints the lines of the ranks and, if asked, also writes them to one file for each rank and
// stream.
class RankPrinter {
 public:
  // `prefix`: whether "[RANK] " precedes each printed line of a known rank. `logs`: the folder for
  // the files rank.RANK/stdout and rank.RANK/stderr; "": none.
  RankPrinter(bool prefix, std::filesystem::path logs);
  ~RankPrinter();
  RankPrinter(const RankPrinter&) = delete;
  RankPrinter& operator=(const RankPrinter&) = delete;

  // `stream`: stdout or stderr.
  void print(const OutputLine& line, std::FILE* stream);
  // Shows what was printed. If standard output or a file cannot be written, says so on standard
  // error, once, and writes no more there: the job is worth more than its output.
  void flush();

 private:
  void log(const OutputLine& line, bool errors);
  void give_up_logs();

  bool prefix_;
  bool closed_ = false;  // standard output
  std::filesystem::path logs_;
  std::map<std::pair<int, bool>, std::FILE*> files_;
};

}  // namespace d2l::launch
