#pragma once

#include <string>
#include <vector>

namespace d2l::launch {

// What is known about the end of a start.
struct EndFacts {
  int rank = -1;          // the first one that failed; -1: unknown
  std::string host = {};  // of this rank; "": unknown
  int signal = 0;         // that ended it; 0: none or unknown
  int code = 0;           // its exit code; 0: unknown. That of srun may be the code of another rank
  bool ran = false;       // ranks have certainly begun
  bool host_failed = false;      // some host could not start its ranks, or was lost
  std::string failed_host = {};  // its name, as mpirun knows it; "": unknown
  std::string job = {};          // mpirun's number for the job; "": unknown
};

// Reads what mpirun or srun themselves say, and keeps the facts.
class StarterMessages {
 public:
  // `with_blocks`: whether the lines are from standard error, where mpirun prints blocks between
  // rules.
  explicit StarterMessages(bool with_blocks) : with_blocks_(with_blocks) {}

  // Returns the lines to print: `line`, unless d2l-launch reports its facts itself. The lines of a
  // block are held back until its end, unless it is too long for one of mpirun's.
  std::vector<std::string> read(const std::string& line);
  // Whether the lines of a block are held back.
  bool holds_back() const { return !block_.empty(); }
  // Returns them.
  std::vector<std::string> rest();
  const EndFacts& facts() const { return facts_; }

 private:
  bool take_block(const std::string& text);
  bool take_failed_rank(const std::string& text);
  bool take_failed_host(const std::string& text);
  void take_task(const std::string& line);
  bool take_line(const std::string& line);

  bool with_blocks_;
  std::vector<std::string> block_;
  EndFacts facts_;
};

// "rank 3 on node7 ended by SIGKILL (137)". `code`: the starter's exit code.
std::string describe_end(int code, const EndFacts& facts);

// "SIGTERM"
std::string signal_name(int signal);

}  // namespace d2l::launch
