#pragma once

#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace d2l::test {

// Stops the threads of a process that have this name while the object lives; its other threads go
// on. Only one thread of the test may use it.
class StoppedThreads {
 public:
  StoppedThreads(pid_t process, const std::string& name) {
    for (const auto& entry :
         std::filesystem::directory_iterator("/proc/" + std::to_string(process) + "/task")) {
      std::string found;
      std::getline(std::ifstream(entry.path() / "comm"), found);
      if (found == name) stop(static_cast<pid_t>(std::stoi(entry.path().filename())));
    }
  }
  ~StoppedThreads() {
    for (const pid_t thread : threads_) ptrace(PTRACE_DETACH, thread, nullptr, nullptr);
  }
  StoppedThreads(const StoppedThreads&) = delete;
  StoppedThreads& operator=(const StoppedThreads&) = delete;

  size_t count() const { return threads_.size(); }  // 0: there are none, or it is not permitted

 private:
  void stop(pid_t thread) {
    if (ptrace(PTRACE_SEIZE, thread, nullptr, nullptr) != 0) return;
    threads_.push_back(thread);
    ptrace(PTRACE_INTERRUPT, thread, nullptr, nullptr);
    waitpid(thread, nullptr, __WALL);
  }

  std::vector<pid_t> threads_;
};

}  // namespace d2l::test
