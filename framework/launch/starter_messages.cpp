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

// Exit codes of mpirun if it cannot start its daemon on a host, and if it loses it.
constexpr int kNotStarted = 255, kLost = 205;

bool is_rule(const std::string& line) {
  return line.size() > 60 && line.find_first_not_of('-') == std::string::npos;
}

std::string rank_text(const EndFacts& facts) {
  return concat("rank ", facts.rank, facts.host.empty() ? "" : " on " + facts.host);
}

}  // namespace

std::vector<std::string> StarterMessages::read(const std::string& line) {
  if (!is_rule(line) && block_.empty()) {
    if (take_line(line)) return {};
    return {line};
  }
  block_.push_back(line);
  if (!is_rule(line) || block_.size() == 1) return {};
  if (take_block()) {
    block_.clear();
    return {};
  }
  return rest();
}

std::vector<std::string> StarterMessages::rest() { return std::exchange(block_, {}); }

bool StarterMessages::take_block() {
  static const regex kSignal(
      "process rank (\\d+) with PID \\d+ on node (\\S+) exited on signal (\\d+)");
  static const regex kExit("Process name: \\[\\[\\d+,\\d+\\],(\\d+)\\]");
  static const regex kAbort("MPI_ABORT was invoked on rank (\\d+) ");
  const std::string text = join(block_, " ");
  smatch match;
  if (std::regex_search(text, match, kSignal)) {
    facts_.rank = std::stoi(match[1]);
    facts_.host = match[2];
    facts_.signal = std::stoi(match[3]);
    facts_.ran = true;
    return true;
  }
  if (std::regex_search(text, match, kExit) || std::regex_search(text, match, kAbort)) {
    if (facts_.rank < 0) facts_.rank = std::stoi(match[1]);
    facts_.ran = true;
    return true;
  }
  const bool ran = text.find("Primary job  terminated normally") != std::string::npos;
  facts_.ran |= ran;
  return ran;
}

bool StarterMessages::take_line(const std::string& line) {
  static const regex kUri("(\\d+)\\.0;.*://.*");
  static const regex kTask("srun: error: ([^: ]+): tasks? (\\d+)[^:]*: .*");
  static const regex kNoise(
      "mpirun: Forwarding signal \\d+ to job|\\[.*\\] \\d+ more process(es)? ha(s|ve) sent help "
      "message .*|\\[.*\\] Set MCA parameter \"orte_base_help_aggregate\" to 0 .*");
  smatch match;
  if (std::regex_match(line, match, kUri)) {
    facts_.job = match[1];
    return true;
  }
  if (std::regex_match(line, match, kTask) && facts_.rank < 0) {
    facts_.host = match[1];
    facts_.rank = std::stoi(match[2]);
    facts_.ran = true;
  }
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
  if (code == kNotStarted) return concat("no ranks could be started on some host (", code, ")");
  if (code == kLost) return concat("the connection to a host was lost (", code, ")");
  if (!facts.ran) return concat("the ranks could not be started (exit code ", code, ")");
  if (by_signal) return concat("the ranks ended by ", signal_name(signal), " (", code, ")");
  return concat("the ranks ended with exit code ", code);
}

}  // namespace d2l::launch
