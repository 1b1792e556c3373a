#include "framework/base/terminal.h"

#include <fcntl.h>
#include <langinfo.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <clocale>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <string_view>

namespace d2l {
namespace {

namespace fs = std::filesystem;

constexpr int kMostAncestors = 64;
constexpr int kUsualColumns = 80;

bool is_set(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0' && std::strcmp(value, "0") != 0;
}

// Whether mpirun adds a prefix to each piece of a rank's output, or writes it to files.
bool mpirun_changes_output() {
  for (const char* variable :
       {"OMPI_MCA_orte_tag_output", "OMPI_MCA_orte_timestamp_output", "OMPI_MCA_orte_xml_output",
        "OMPI_MCA_orte_xml_file", "OMPI_MCA_orte_output_filename", "OMPI_MCA_orte_xterm"})
    if (is_set(variable)) return true;
  return false;
}

// Format: "PID (NAME) STATE PARENT ...". The name may contain any character.
pid_t parent_of(const fs::path& process) {
  std::ifstream stream(process / "stat");
  std::string line, state;
  std::getline(stream, line);
  const size_t end = line.rfind(')');
  if (end == std::string::npos) return 0;
  const char* rest = line.c_str() + end + 1;
  while (*rest == ' ') ++rest;
  return *rest == '\0' ? 0 : static_cast<pid_t>(std::atoi(rest + 1));
}

// Reads the executable's name: for a script this is its shell, whatever the script's name.
bool is_mpirun(const fs::path& process) {
  std::error_code unknown;
  const std::string name = fs::read_symlink(process / "exe", unknown).filename();
  return name == "orterun" || name == "mpirun" || name == "mpiexec";
}

// Opens the terminal that the process writes to. Returns -1 if its output is not a terminal.
int output_terminal(const fs::path& process) {
  const fs::path output = process / "fd/1";
  struct stat status {};
  // Do not open a pipe: the other end would notice it.
  if (::stat(output.c_str(), &status) != 0 || !S_ISCHR(status.st_mode)) return -1;
  const int descriptor = ::open(output.c_str(), O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0 || ::isatty(descriptor) == 1) return descriptor;
  ::close(descriptor);
  return -1;
}

}  // namespace

pid_t mpirun_above(pid_t process, const fs::path& proc) {
  for (int i = 0; i < kMostAncestors; ++i) {
    process = parent_of(proc / std::to_string(process));
    if (process <= 0) return 0;
    if (is_mpirun(proc / std::to_string(process))) return process;
  }
  return 0;
}

Terminal Terminal::find(const fs::path& proc) {
  if (::isatty(STDOUT_FILENO) != 1) return Terminal(-1);
  if (std::getenv("OMPI_COMM_WORLD_RANK") == nullptr) return Terminal(STDOUT_FILENO);
  const pid_t mpirun = mpirun_changes_output() ? 0 : mpirun_above(::getpid(), proc);
  return Terminal(mpirun > 0 ? output_terminal(proc / std::to_string(mpirun)) : -1);
}

bool Terminal::redraws() const {
  const char* kind = std::getenv("TERM");
  return descriptor_ >= 0 && kind != nullptr && std::string_view(kind) != "dumb";
}

int Terminal::columns() const {
  winsize size{};
  if (descriptor_ >= 0 && ::ioctl(descriptor_, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    return size.ws_col;
  const char* columns = std::getenv("COLUMNS");
  const int number = columns != nullptr ? std::atoi(columns) : 0;
  return number > 0 ? number : kUsualColumns;
}

bool locale_has_utf8() {
  const locale_t locale = ::newlocale(LC_CTYPE_MASK, "", nullptr);
  if (locale == nullptr) return false;
  const bool found = std::string_view(::nl_langinfo_l(CODESET, locale)) == "UTF-8";
  ::freelocale(locale);
  return found;
}

}  // namespace d2l
