#include "framework/launch/rank_run.h"

#include <poll.h>

#include <array>
#include <csignal>

#include "framework/launch/leftovers.h"

namespace d2l::launch {
namespace {

constexpr double kForTheStarter = 5;  // seconds that it has to end itself after it was told to
constexpr double kBetweenLooks = 1, kWithoutRanks = 5;  // seconds, see watch_starter()
constexpr double kForTheRest = 0.5;  // seconds for output that outlives the starter

}  // namespace

RankRun::RankRun(const Start& start, const std::string& mark, RankPrinter& printer)
    : mark_(mark),
      watches_starter_(start.one_host && start.starter == Starter::mpirun),
      printer_(printer),
      process_(start_command(start), {{kJobVariable, mark}}),
      output_{&process_.output(), OutputReader(start.starter), {}, stdout},
      errors_{&process_.errors(), OutputReader(start.starter), {}, stderr} {}

RankEnd RankRun::wait(SignalQueue& signals, StopRequest& stop) {
  if (stop.now) end_now();
  double ended = -1;
  const auto is_read = [&] {
    return output_.reader->descriptor() < 0 && errors_.reader->descriptor() < 0;
  };
  while (ended < 0 || (!is_read() && timer_.seconds() < ended + kForTheRest)) {
    wait_for_events(signals, ended < 0 ? 200 : 20);
    for (const int signal : signals.take()) take_signal(signal, stop);
    take_output();
    if (ended < 0 && process_.exit_code()) ended = timer_.seconds();
    if (ended < 0) watch_starter();
    if (kill_at_ >= 0 && timer_.seconds() > kill_at_) process_.send_to_group(SIGKILL);
  }
  for (Stream* stream : {&output_, &errors_}) print_rest(*stream);
  printer_.flush();
  RankEnd end{*process_.exit_code(), errors_.own.facts(), first_error_};
  end.facts.job = output_.own.facts().job;
  end.facts.ran |= ranks_have_printed_;
  if (end.facts.code > 0) end.code = end.facts.code;
  return end;
}

void RankRun::wait_for_events(const SignalQueue& signals, int milliseconds) {
  // A negative descriptor is left out.
  std::array<pollfd, 3> sources{{{signals.descriptor(), POLLIN, 0},
                                 {output_.reader->descriptor(), POLLIN, 0},
                                 {errors_.reader->descriptor(), POLLIN, 0}}};
  ::poll(sources.data(), sources.size(), milliseconds);
}

void RankRun::take_signal(int signal, StopRequest& stop) {
  if (signal == SIGUSR2) return process_.send(signal);
  const bool again = stop.signal != 0 && signal != SIGUSR1;
  if (stop.signal == 0) stop.signal = signal;
  if (!again) {
    std::fprintf(stderr, "d2l-launch: %s: the ranks are asked to save and stop\n",
                 signal_name(signal).c_str());
    return process_.send(SIGUSR1);
  }
  if (!stop.now)
    std::fprintf(stderr, "d2l-launch: %s again: the ranks are ended\n",
                 signal_name(signal).c_str());
  stop.now = true;
  end_now();
}

void RankRun::end_now() {
  process_.send(SIGTERM);
  if (kill_at_ < 0) kill_at_ = timer_.seconds() + kForTheStarter;
}

void RankRun::take_output() {
  for (Stream* stream : {&output_, &errors_}) read(*stream);
  printer_.flush();
}

void RankRun::read(Stream& stream) {
  for (const std::string& text : stream.reader->read_lines())
    for (const OutputLine& line : stream.ranks.read(text)) {
      if (line.rank == kNoRank)
        take_messages(stream.own, line.text, stream.target);
      else
        take_line(line, stream.target);
    }
}

void RankRun::take_messages(StarterMessages& messages, const std::string& line, std::FILE* stream) {
  for (const std::string& text : messages.read(line)) printer_.print({kNoRank, text}, stream);
}

void RankRun::take_line(const OutputLine& line, std::FILE* stream) {
  ranks_have_printed_ = true;
  if (stream == stderr && first_error_.text.empty() &&
      line.text.find("error: ") != std::string::npos)
    first_error_ = line;
  printer_.print(line, stream);
}

void RankRun::print_rest(Stream& stream) {
  for (const OutputLine& line : stream.ranks.rest()) take_line(line, stream.target);
  for (const std::string& text : stream.own.rest()) printer_.print({kNoRank, text}, stream.target);
}

// An mpirun whose ranks die before they have connected to it may wait for ever.
void RankRun::watch_starter() {
  if (!watches_starter_ || timer_.seconds() < next_look_) return;
  next_look_ = timer_.seconds() + kBetweenLooks;
  if (processes_of_job(mark_).size() > 1) last_seen_ = timer_.seconds();
  if (last_seen_ >= 0 && timer_.seconds() > last_seen_ + kWithoutRanks) end_now();
}

}  // namespace d2l::launch
