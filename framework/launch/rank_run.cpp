#include "framework/launch/rank_run.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <csignal>

#include "framework/launch/leftovers.h"

namespace d2l::launch {
namespace {

constexpr double kForTheStarter = 5;  // seconds that it has to end itself after it was told to
constexpr double kBetweenLooks = 2, kWithoutRanks = 5;  // seconds, see watch_starter()
constexpr double kForTheRest = 0.5;  // seconds without output after which its end is not awaited
constexpr double kForABlock = 1;     // seconds without output in which a message of mpirun ends

}  // namespace

RankRun::RankRun(const Start& start, const std::string& mark, RankPrinter& printer)
    : mark_(mark),
      watches_starter_(start.one_host && start.starter == Starter::mpirun),
      printer_(printer),
      process_(start_command(start), {{kJobVariable, mark}}),
      form_(output_form(start)),
      output_{&process_.output(), OutputReader(form_), StarterMessages(false), stdout},
      errors_{&process_.errors(), OutputReader(form_), StarterMessages(true), stderr} {}

RankEnd RankRun::wait(SignalQueue& signals, StopRequest& stop) {
  if (stop.now) end_now();
  double ended = -1;
  const auto is_read = [&] {
    return output_.reader->descriptor() < 0 && errors_.reader->descriptor() < 0;
  };
  while (ended < 0 ||
         (!is_read() && timer_.seconds() < std::max(ended, last_line_) + kForTheRest)) {
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
  // A block that does not end soon is not one of mpirun's.
  if (errors_.own.holds_back() && timer_.seconds() > last_line_ + kForABlock) print_rest(errors_);
  printer_.flush();
}

void RankRun::read(Stream& stream) {
  const std::vector<std::string> lines = stream.reader->read_lines();
  if (!lines.empty()) last_line_ = timer_.seconds();
  for (const std::string& text : lines)
    for (const OutputLine& line : stream.ranks.read(text)) {
      if (line.rank == kNoRank)
        take_untagged(stream, line.text);
      else
        take_line(line, stream.target);
    }
}

void RankRun::take_untagged(Stream& stream, const std::string& line) {
  const std::vector<std::string> lines = stream.own.read(line);
  const bool may_be_of_a_rank = form_ == OutputForm::plain && lines.size() == 1;
  if (may_be_of_a_rank) return take_line({kNoRank, lines[0]}, stream.target);
  for (const std::string& text : lines) printer_.print({kNoRank, text}, stream.target);
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
