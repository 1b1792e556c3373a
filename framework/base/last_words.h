#pragma once

#include <csignal>
#include <cstdint>
#include <filesystem>
#include <string>

namespace d2l {

// Why a job ended, as the last line of its log, from the process that knows: any of those that can
// reach the file. Those that learn of it later keep quiet, so the first reason stays the last line.
// Signals belong to the process: of several objects one takes them.
class LastWords {
 public:
  // `speaker` begins what this process says: "rank 3 on node7: ". A signal that was meant for all
  // processes is better told by another one: this one gives it `patience` milliseconds.
  explicit LastWords(std::string speaker = "", int patience = 0);
  ~LastWords();  // signals do what they did before
  LastWords(const LastWords&) = delete;
  LastWords& operator=(const LastWords&) = delete;

  // The log, which exists if this process can reach it. From now on a signal that ends the process
  // leaves a line there.
  void belong_to(const std::filesystem::path& log);

  // Adds "error: ", the speaker and the text, unless there are such words since belong_to(); if
  // they are not the last line any more, they become it again. Whether this is the first that is
  // known of the end.
  bool say(const char* text) noexcept;

 private:
  static void on_signal(int signal, siginfo_t* info, void* context);
  void catch_signals();
  void say_signal(int signal, const siginfo_t& info) noexcept;

  std::string speaker_, log_;
  int patience_;
  int64_t begin_ = 0;  // of what this job has written
  int64_t seconds_east_ = 0;
  bool catches_ = false;
};

}  // namespace d2l
