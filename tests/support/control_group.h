#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace d2l::test {

// A separate control group for a program; made() is false if creating one is not permitted.
class ControlGroup {
 public:
  // Creates a group in which `limit`, a file such as pids.max, is set to `value`.
  ControlGroup(const std::string& limit, const std::string& value) {
    const std::string controller = limit.substr(0, limit.find('.'));
    for (const std::string& top : {"/sys/fs/cgroup/" + controller, std::string("/sys/fs/cgroup")}) {
      path_ = top + "/d2l-test-" + limit + "-" + std::to_string(::getpid());
      if (::mkdir(path_.c_str(), 0755) != 0) continue;
      // An ordinary folder has no such file; opening it would create it.
      std::ofstream stream;
      if (std::filesystem::exists(path_ / limit)) stream.open(path_ / limit);
      made_ = stream.is_open() && (stream << value << std::flush).good();
      if (made_) return;
      ::rmdir(path_.c_str());
    }
  }
  ~ControlGroup() {
    if (made_) ::rmdir(path_.c_str());
  }
  ControlGroup(const ControlGroup&) = delete;
  ControlGroup& operator=(const ControlGroup&) = delete;

  bool made() const { return made_; }

  // A command line that first enters the group, then runs the program.
  std::vector<std::string> inside(const std::vector<std::string>& command) const {
    const std::string enter = "echo $$ > " + (path_ / "cgroup.procs").string();
    std::vector<std::string> words = {"sh", "-c", enter + " && exec \"$@\"", "sh"};
    words.insert(words.end(), command.begin(), command.end());
    return words;
  }

 private:
  std::filesystem::path path_;
  bool made_ = false;
};

}  // namespace d2l::test
