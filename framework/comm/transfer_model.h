#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "framework/comm/collective.h"

namespace d2l {

// A network in the usual model: a message takes latency + bytes / bandwidth (Hockney, 1994).
struct Network {
  double latency = 0;                                          // seconds
  double bandwidth = std::numeric_limits<double>::infinity();  // bytes/s of a rank, each direction

  double seconds(double messages, double bytes) const {
    return messages * latency + bytes / bandwidth;
  }
};

// Who carries out the operations.
enum class Carrier {
  mpi,  // MpiCommunicator: the exchanges of a plan for each piece, several pieces under way at once
  nccl,  // rings or trees, whichever are faster
};

// A part of an operation, as the rank with the most work sees it: so many messages one after
// another, in which so many bytes pass through its link in the busier direction.
struct Transfer {
  double messages = 0;
  double bytes = 0;
};

// The parts of an operation on `bytes` bytes, in order; nothing for one rank.
std::vector<Transfer> transfers_of(Collective::Kind kind, int64_t bytes, int ranks, Carrier carrier,
                                   const Network& network);

// How many parts a carrier has under way at once.
size_t parts_under_way(Carrier carrier);

// The link of a rank and the parts that wait for it. Bytes pass one part after the other. The
// messages of a part delay only this part, as long as the carrier has others under way.
class LinkQueue {
 public:
  LinkQueue(const Network& network, Carrier carrier);

  // Adds a part that may begin at `ready`, not before the parts added earlier. Returns the time at
  // which it is complete.
  double add(const Transfer& transfer, double ready);

 private:
  Network network_;
  size_t window_;                 // parts under way at once
  std::vector<double> finished_;  // times of all parts
  double free_ = 0;               // when the link is free
};

// The time of one operation alone.
double operation_seconds(Collective::Kind kind, int64_t bytes, int ranks, Carrier carrier,
                         const Network& network);

// The measured time of an all-reduce.
struct MeasuredReduce {
  int64_t bytes = 0;
  double seconds = 0;
};
// The network with which the model gives the measured times of a small and of a large all-reduce
// among `ranks` ranks, at least 2.
Network fitted_network(const MeasuredReduce& small, const MeasuredReduce& large, int ranks,
                       Carrier carrier);

}  // namespace d2l
