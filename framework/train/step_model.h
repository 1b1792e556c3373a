#pragma once

#include <cstdint>
#include <vector>

#include "framework/comm/transfer_model.h"

namespace d2l {

// What a training step does, in order: it computes, and now and then starts an operation with the
// other ranks or waits for one.
struct StepTimeline {
  struct Event {
    enum class What { start, wait };

    double compute = 0;  // seconds since the previous event
    What what = What::start;
    uint64_t operation = 0;                                // its number
    Collective::Kind kind = Collective::Kind::all_reduce;  // of an operation that starts
    int64_t bytes = 0;
  };

  std::vector<Event> events;
  double rest = 0;  // seconds of computing after the last event

  double compute() const;         // seconds, of the whole step
  int64_t reduced_bytes() const;  // of all all-reduces
  // The same step on a machine that computes `factor` times as long.
  StepTimeline scaled(double factor) const;
};

// The middle one of each time. All timelines must have the same events.
StepTimeline median_of(const std::vector<StepTimeline>& timelines);

struct StepConditions {
  int ranks = 1;
  Carrier carrier = Carrier::mpi;
  Network network = {};
  // How fast a rank computes while bytes pass through its link, compared to alone: moving bytes
  // takes time of the processor, too.
  double speed_in_transfer = 1;
  // How fast bytes pass while the rank computes, compared to a rank that only waits for them.
  double bandwidth_in_compute = 1;
};

struct StepTime {
  double seconds = 0;   // of the step: compute + slowed + waiting
  double compute = 0;   // alone
  double slowed = 0;    // more, because bytes pass meanwhile
  double waiting = 0;   // for operations
  double transfer = 0;  // of all operations alone, one after the other

  // The part of `transfer` that does not lengthen the step; 1 without transfers.
  double hidden() const { return transfer > 0 ? 1 - (seconds - compute) / transfer : 1; }
};

// Operations pass one after the other in the order in which they are started, while the rank
// computes. All ranks compute alike.
StepTime step_time(const StepTimeline& timeline, const StepConditions& conditions);

}  // namespace d2l
