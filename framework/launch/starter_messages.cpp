#include "framework/launch/starter_messages.h"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <regex>
#include <utility>

#include "framework/base/error.h"
#include "framework/base/text.h"

namespace d2l::launch {
namespace {

using std::regex;
using std::smatch;

constexpr size_t kLongestBlock = 60;  // lines

// Open MPI and PMIx have rules of these lengths.
bool is_rule(const std::string& line) {
  return (line.size() == 74 || line.size() == 60) && line.find_first_not_of('-') == line.npos;
}

// The exit code of a rank that was ended by a signal with this description; 0: there is none.
int code_of(const std::string& description) {
  for (int signal = 1; signal < 32; ++signal) {
    const char* text = ::sigdescr_np(signal);
    if (text != nullptr && description.starts_with(text)) return 128 + signal;
  }
  return 0;
}

std::string rank_text(const EndFacts& facts) {
  return concat("rank ", facts.rank, facts.host.empty() ? "" : " on " + facts.host);
}

}  // namespace

std::vector<std::string> StarterMessages::read(const std::string& line) {
  const bool rule = with_blocks_ && is_rule(line);
  if (!rule && block_.empty()) {
    if (take_line(line)) return {};
    return {line};
  }
  block_.push_back(line);
  if (block_.size() > kLongestBlock) return rest();
  if (!rule || block_.size() == 1) return {};
  std::vector<std::string> lines = rest();
  if (take_block(join(lines, " "))) lines.clear();
  return lines;
}

std::vector<std::string> StarterMessages::rest() { return std::exchange(block_, {}); }

bool StarterMessages::take_block(const std::string& text) {
  return take_failed_rank(text) || take_failed_host(text);
}

bool StarterMessages::take_failed_rank(const std::string& text) {
  static const regex kSignal(
      "process rank (\\d+) with PID \\d+ on node (\\S+) exited on signal (\\d+)");
  static const regex kExit("Process name: \\[\\[\\d+,\\d+\\],(\\d+)\\]");
  static const regex kAbort("MPI_ABORT was invoked on rank (\\d+) ");
  smatch match;
  if (std::regex_search(text, match, kSignal)) {
    facts_.rank = std::stoi(match[1]);
    facts_.host = match[2];
    facts_.signal = std::stoi(match[3]);
  } else if (std::regex_search(text, match, kExit) || std::regex_search(text, match, kAbort)) {
    if (facts_.rank < 0) facts_.rank = std::stoi(match[1]);
  } else if (text.find("Primary job  terminated normally") == std::string::npos) {
    return false;
  }
  facts_.ran = true;
  return true;
}

bool StarterMessages::take_failed_host(const std::string& text) {
  static const regex kLost(
      "lost communication with a remote daemon.*Remote daemon: \\S+ on node (\\S+)");
  static const regex kNoWayBack("unable to complete a TCP connection.*Local host: +(\\S+)");
  smatch match;
  if (std::regex_search(text, match, kLost) || std::regex_search(text, match, kNoWayBack))
    facts_.failed_host = match[1];
  else if (text.find("ORTE was unable to reliably start one or more daemons") == std::string::npos)
    return false;
  facts_.host_failed = true;
  return true;
}

// "srun: error: node2: tasks 4-5: Killed", "...: task 7: Exited with exit code 1"
void StarterMessages::take_task(const std::string& line) {
  static const regex kTask("srun: error: ([^: ]+): tasks? (\\d+)[^:]*: (.*)");
  static const regex kExit("Exited with exit code (\\d+)");
  smatch match, exit;
  // Slurm ends the other ranks with SIGTERM.
  if ((facts_.rank >= 0 && facts_.code != 128 + SIGTERM) || !std::regex_match(line, match, kTask))
    return;
  const std::string reason = match[3];
  const int code = std::regex_match(reason, exit, kExit) ? std::stoi(exit[1]) : code_of(reason);
  if (code == 0 || (facts_.rank >= 0 && code == facts_.code)) return;
  facts_.host = match[1];
  facts_.rank = std::stoi(match[2]);
  facts_.code = code;
  facts_.ran = true;
}

bool StarterMessages::take_line(const std::string& line) {
  static const regex kUri("(\\d+)\\.0;.*://.*");
  static const regex kNoise(
      "mpirun: Forwarding signal \\d+ to job|\\[.*\\] \\d+ more process(es)? ha(s|ve) sent help "
      "message .*|\\[.*\\] Set MCA parameter \"orte_base_help_aggregate\" to 0 .*");
  smatch match;
  if (facts_.job.empty() && std::regex_match(line, match, kUri)) {
    facts_.job = match[1];
    return true;
  }
  take_task(line);
  return std::regex_match(line, kNoise);
}

std::string signal_name(int signal) {
  const char* name = ::sigabbrev_np(signal);
  return name == nullptr ? concat("signal ", signal) : concat("SIG", name);
}

std::string describe_end(int code, const EndFacts& facts) {
  const int signal = facts.signal > 0 ? facts.signal : code - 128;
  const bool by_signal = signal > 0 && ::sigabbrev_np(signal) != nullptr;
  if (facts.rank >= 0 && by_signal)
    return concat(rank_text(facts), " ended by ", signal_name(signal), " (", 128 + signal, ")");
  if (facts.rank >= 0) return concat(rank_text(facts), " ended with exit code ", code);
  if (facts.host_failed) {
    const std::string host = facts.failed_host.empty() ? "a host" : "host " + facts.failed_host;
    return concat(facts.ran ? "lost the connection to " : "could not start ranks on ", host,
                  " (exit code ", code, ")");
  }
  if (!facts.ran) return concat("the ranks could not be started (exit code ", code, ")");
  if (by_signal) return concat("the ranks ended by ", signal_name(signal), " (", code, ")");
  return concat("the ranks ended with exit code ", code);
}

}  // namespace d2l::launch
