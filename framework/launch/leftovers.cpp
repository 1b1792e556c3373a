#include "framework/launch/leftovers.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <sstream>
#include <thread>

#include "framework/base/error.h"
#include "framework/base/text.h"
#include "framework/base/timer.h"
#include "framework/launch/child_process.h"

namespace d2l::launch {
namespace {

namespace fs = std::filesystem;

constexpr double kForTheEnd = 2, kForAnAnswer = 10;  // seconds

void pause_ms(int milliseconds) {
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
}

// Open MPI's segments are named vader_segment.HOST.USER.JOB.RANK, with JOB in hexadecimal digits.
// The ranks are the first job that an mpirun starts; its own number is the job 0.
std::string segment_job(const std::string& mpi_job) {
  std::ostringstream text;
  text << std::hex << std::strtoul(mpi_job.c_str(), nullptr, 10) + 1;
  return text.str();
}

void remove_segments(const std::set<std::string>& mpi_jobs) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/dev/shm", ignored)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with("vader_segment.")) continue;
    for (const std::string& job : mpi_jobs)
      if (name.find("." + segment_job(job) + ".") != std::string::npos)
        fs::remove(entry.path(), ignored);
  }
}

std::string clean_up_script(const std::string& mark, const std::set<std::string>& mpi_jobs) {
  std::string script =
      concat("for f in $(grep -lsz '^", kJobVariable, "=", mark,
             "$' /proc/[0-9]*/environ); do f=${f%/environ}; kill -9 ${f#/proc/}; done;");
  for (const std::string& job : mpi_jobs)
    script += concat(" rm -f /dev/shm/vader_segment.*.", segment_job(job), ".*;");
  return script + " exit 0";
}

std::vector<std::string> remote_shell() {
  const char* agent = std::getenv("OMPI_MCA_plm_rsh_agent");
  std::istringstream text(agent != nullptr ? agent : "ssh");
  std::vector<std::string> words{std::istream_iterator<std::string>(text), {}};
  if (words.empty()) words = {"ssh"};
  if (fs::path(words[0]).filename() == "ssh")
    for (const char* word : {"-x", "-o", "BatchMode=yes", "-o", "ConnectTimeout=8"})
      words.emplace_back(word);
  return words;
}

// A command, and the last line that it prints.
struct Question {
  std::unique_ptr<ChildProcess> process;
  std::string last;
  std::optional<int> code = {};

  bool ask_again() {
    for (LineReader* reader : {&process->output(), &process->errors()})
      for (std::string& line : reader->read_lines())
        if (line.find_first_not_of(" \r") != std::string::npos) last = std::move(line);
    if (!code) code = process->exit_code();
    return code.has_value();
  }
};

HostAnswer answer_of(const std::vector<std::string>& command, Question& question) {
  question.ask_again();
  if (!question.code) return {false, concat("no answer within ", kForAnAnswer, " seconds")};
  if (*question.code == 0) return {true, ""};
  return {false, question.last.empty() ? concat(command[0], ": exit code ", *question.code)
                                       : visible(question.last)};
}

}  // namespace

std::vector<pid_t> processes_of_job(const std::string& mark) {
  const std::string wanted = concat(kJobVariable, "=", mark);
  std::vector<pid_t> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/proc", ignored)) {
    const pid_t pid = std::atoi(entry.path().filename().c_str());
    struct stat status {};
    if (pid <= 0 || pid == ::getpid()) continue;
    if (::stat(entry.path().c_str(), &status) != 0 || status.st_uid != ::geteuid()) continue;
    std::ifstream stream(entry.path() / "environ", std::ios::binary);
    for (std::string variable; std::getline(stream, variable, '\0');)
      if (variable == wanted) {
        found.push_back(pid);
        break;
      }
  }
  return found;
}

void end_leftovers(const std::string& mark, const std::set<std::string>& mpi_jobs) {
  const Timer timer;
  for (std::vector<pid_t> left; !(left = processes_of_job(mark)).empty(); pause_ms(10)) {
    for (const pid_t pid : left) ::kill(pid, SIGKILL);
    if (timer.seconds() > kForTheEnd) break;
  }
  remove_segments(mpi_jobs);
}

std::vector<HostAnswer> end_leftovers_on(const std::vector<std::string>& hosts,
                                         const std::string& mark,
                                         const std::set<std::string>& mpi_jobs) {
  std::vector<std::vector<std::string>> commands;
  std::vector<Question> questions;
  for (const std::string& host : hosts) {
    std::vector<std::string> command = remote_shell();
    command.insert(command.end(), {host, clean_up_script(mark, mpi_jobs)});
    questions.push_back({std::make_unique<ChildProcess>(command), ""});
    commands.push_back(command);
  }
  const Timer timer;
  const auto all_answered = [&] {
    bool all = true;
    for (Question& question : questions) all &= question.ask_again();
    return all;
  };
  while (!all_answered() && timer.seconds() < kForAnAnswer) pause_ms(10);
  std::vector<HostAnswer> answers;
  for (size_t i = 0; i < questions.size(); ++i)
    answers.push_back(answer_of(commands[i], questions[i]));
  return answers;
}

}  // namespace d2l::launch
