#pragma once

#include <csignal>
#include <cstdint>
#include <filesystem>
#include <string>

namespace d2l {

// Writes the reason why a job ended as the last line of its log. Every process that can reach the
// file may write it. The first reason wins: processes that learn of the end later do not replace
// it. Only one object in a process catches signals.
class LastWords {
 public:
  // `speaker` is the prefix of this process's reasons: "rank 3 on node7: ". When a signal was sent
  // to all processes, another process may know a better reason: this process waits `patience`
  // milliseconds for it.
  explicit LastWords(std::string speaker = "", int patience = 0);
  ~LastWords();  // restores the previous signal handlers
  LastWords(const LastWords&) = delete;
  LastWords& operator=(const LastWords&) = delete;

  // Sets the log; does nothing if this process cannot see the file. From now on a signal that ends
  // the process leaves a line there.
  void belong_to(const std::filesystem::path& log);

  // Appends "error: ", the speaker and the text, if there is no reason yet since belong_to(). If
  // there is one, but it is no longer the last line, appends it again. Returns true if no reason
  // was known before.
  bool say(const char* text) noexcept;

 private:
  static void on_signal(int signal, siginfo_t* info, void* context);
  void catch_signals();
  void say_signal(int signal, const siginfo_t& info) noexcept;

  std::string speaker_, log_;
  int patience_;
  int64_t begin_ = 0;  // where this job's lines begin
  int64_t seconds_east_ = 0;
  bool catches_ = false;
};

}  // namespace d2l
