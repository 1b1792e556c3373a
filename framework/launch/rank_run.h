#pragma once

#include <cstdio>
#include <string>

#include "framework/base/timer.h"
#include "framework/launch/child_process.h"
#include "framework/launch/output_reader.h"
#include "framework/launch/rank_printer.h"
#include "framework/launch/signal_queue.h"
#include "framework/launch/starter_messages.h"

namespace d2l::launch {

// Whether, and how urgently, this program was asked to stop.
struct StopRequest {
  int signal = 0;    // the first one; 0: none
  bool now = false;  // by a second one
};

// How one start of the ranks has ended.
struct RankEnd {
  int code = 0;  // of the starter
  EndFacts facts;
  OutputLine first_error = {};  // the first line on standard error with "error:"; no text: none
};

// One start of the ranks, until its end.
class RankRun {
 public:
  // Starts them. `mark`: the value of kJobVariable.
  RankRun(const Start& start, const std::string& mark, RankPrinter& printer);

  // Prints what the ranks print and passes signals on to them, until they have ended. SIGTERM,
  // SIGINT and SIGHUP become SIGUSR1, since mpirun would end the ranks; the second of them, or a
  // stop.now, ends the ranks.
  RankEnd wait(SignalQueue& signals, StopRequest& stop);

 private:
  void wait_for_events(const SignalQueue& signals, int milliseconds);
  void take_signal(int signal, StopRequest& stop);
  void end_now();
  void take_output();
  void take_line(const OutputLine& line, std::FILE* stream);
  void watch_starter();

  // A stream of the starter's output, with the ranks' lines and its own.
  struct Stream {
    LineReader* reader;
    OutputReader ranks;
    StarterMessages own;
    std::FILE* target;
  };
  void read(Stream& stream);
  void take_untagged(Stream& stream, const std::string& line);
  void print_rest(Stream& stream);

  std::string mark_;
  bool watches_starter_;
  RankPrinter& printer_;
  ChildProcess process_;
  OutputForm form_;
  Stream output_, errors_;
  OutputLine first_error_;
  bool ranks_have_printed_ = false;
  Timer timer_;
  double last_line_ = 0;  // when one was read
  double kill_at_ = -1;   // when the process group is killed, in seconds of the timer; -1: never
  double next_look_ = 0, last_seen_ = -1;  // of watch_starter(); -1: the ranks were never seen
};

}  // namespace d2l::launch
