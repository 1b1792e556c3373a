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
  // Returns the lines to print. Those whose facts d2l-launch reports itself are left out, and the
  // lines of a block in rules are held back until its end.
  std::vector<std::string> read(const std::string& line);
  // The lines of a block that has not ended.
  std::vector<std::string> rest();
  const EndFacts& facts() const { return facts_; }

 private:
  bool take_block();
  bool take_failed_rank(const std::string& text);
  bool take_failed_host(const std::string& text);
  void take_task(const std::string& line);
  bool take_line(const std::string& line);

  std::vector<std::string> block_;
  EndFacts facts_;
};

// "rank 3 on node7 ended by SIGKILL (137)". `code`: the starter's exit code.
std::string describe_end(int code, const EndFacts& facts);

// "SIGTERM"
std::string signal_name(int signal);

}  // namespace d2l::launch
