#include "framework/base/lock_holder.h"

#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <ctime>

#include "framework/base/error.h"
#include "framework/base/files.h"
#include "framework/base/random_id.h"

namespace d2l {
namespace {

namespace fs = std::filesystem;

struct Field {
  const char* name;
  std::string LockHolder::*member;
};
constexpr Field kFields[] = {
    {"host", &LockHolder::host},   {"machine", &LockHolder::machine},
    {"pid", &LockHolder::pid},     {"started", &LockHolder::started},
    {"job", &LockHolder::job},     {"restart", &LockHolder::restart},
    {"since", &LockHolder::since}, {"token", &LockHolder::token},
};

std::string first_line(const fs::path& path) {
  try {
    const std::string text = read_text_file(path);
    return text.substr(0, text.find('\n'));
  } catch (const Error&) {
    return "";
  }
}

std::string this_machine() {
  std::error_code ignored;
  return first_line("/proc/sys/kernel/random/boot_id") + " " +
         fs::read_symlink("/proc/self/ns/pid", ignored).string();
}

// From /proc/PID/stat; empty if it cannot be read. Fields are counted after the name, which may
// contain any character.
struct ProcessState {
  std::string state, started;
};
ProcessState state_of(const std::string& pid) {
  constexpr int kState = 3, kStarted = 22;
  const std::string line = first_line("/proc/" + pid + "/stat");
  size_t at = line.rfind(')');
  ProcessState found;
  for (int field = kState; at != std::string::npos && field <= kStarted; ++field) {
    at = line.find(' ', at + 1);
    const std::string word =
        at == std::string::npos ? "" : line.substr(at + 1, line.find(' ', at + 1) - at - 1);
    if (field == kState) found.state = word;
    if (field == kStarted) found.started = word;
  }
  return found;
}

std::string variable(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : otherwise;
}

std::string local_time() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  localtime_r(&now, &parts);
  char text[40];
  std::strftime(text, sizeof text, "%F %T %z", &parts);
  return text;
}

}  // namespace

LockHolder LockHolder::this_process() {
  LockHolder me;
  char host[256] = {};
  ::gethostname(host, sizeof host - 1);
  me.host = host;
  me.machine = this_machine();
  me.pid = std::to_string(::getpid());
  me.started = state_of(me.pid).started;
  me.job = variable("SLURM_JOB_ID", "-");
  me.restart = me.job == "-" ? "-" : variable("SLURM_RESTART_COUNT", "0");
  me.since = local_time();
  me.token = random_id();
  return me;
}

bool LockHolder::is_gone() const {
  const int number = std::atoi(pid.c_str());
  if (machine != this_machine() || number <= 0) return false;
  if (::kill(number, 0) != 0 && errno == ESRCH) return true;
  const ProcessState now = state_of(pid);
  const bool is_zombie = now.state == "Z" || now.state == "X";
  return is_zombie || (!now.started.empty() && now.started != started);
}

bool LockHolder::is_before(const LockHolder& other) const {
  return job != "-" && job == other.job &&
         std::atoi(restart.c_str()) < std::atoi(other.restart.c_str());
}

std::string LockHolder::describe() const {
  return concat("process ", pid, " on ", host, job == "-" ? "" : ", job " + job,
                restart == "-" || restart == "0" ? "" : " (restart " + restart + ")", ", since ",
                since);
}

std::string to_text(const LockHolder& holder) {
  constexpr size_t kLength = 1024;
  std::string text;
  for (const Field& field : kFields) text += concat(field.name, " = ", holder.*field.member, "\n");
  text.resize(std::max(text.size(), kLength), '\n');
  return text;
}

LockHolder read_lock_holder(const fs::path& path) {
  const std::string text = "\n" + read_text_file(path);
  LockHolder holder;
  for (const Field& field : kFields) {
    const std::string begin = concat("\n", field.name, " = ");
    const size_t line = text.find(begin);
    if (line == std::string::npos) continue;
    const size_t value = line + begin.size();
    holder.*field.member = text.substr(value, text.find('\n', value) - value);
  }
  return holder;
}

}  // namespace d2l
