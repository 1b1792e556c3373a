#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "framework/base/range.h"
#include "framework/comm/collective.h"

namespace d2l {

// A group of ranks that compute together. Every rank makes the same calls in the same order, from
// one thread. Wrong arguments throw Error at the call; an operation that fails throws Error in
// wait() at the latest.
//
// The public functions check their arguments and call the transport's own do_...().
class Communicator {
 public:
  // The number of a started operation.
  using Work = uint64_t;

  virtual ~Communicator() = default;
  int rank() const { return rank_; }
  int size() const { return size_; }
  virtual std::string describe() const = 0;  // "MPI, 8 ranks on 2 hosts"

  // Starts an operation and returns. Until wait() returns, its memory belongs to the communicator.
  // Operations finish in the order in which they were started; each is waited for once, in any
  // order. Sums have the same bits on every rank, and in every run with this number of ranks.
  Work start(const Collective& op);
  void wait(Work work);

  // The elements of a flat array of f32 whose sums this rank gets from a reduce_scatter: ascending.
  // Those of all ranks do not overlap and cover the array. They depend on its length only.
  virtual std::vector<Range> parts(int64_t elements) const = 0;

  Work start_all_reduce(View data) { return start({Collective::Kind::all_reduce, data}); }

  // Start an operation and wait for it.
  void all_reduce(View data) { wait(start_all_reduce(data)); }
  void broadcast(View data, int root) {
    wait(start({.kind = Collective::Kind::broadcast, .data = data, .root = root}));
  }
  void all_gather(ConstView mine, View all) {
    wait(start({Collective::Kind::all_gather, all, mine}));
  }
  // Returns when every rank has called it.
  void barrier();

  // Call while waiting for a GPU, whose work may be waiting for other ranks. Throws Error if one of
  // them is known to be unreachable.
  virtual void check_peers() {}

  // Call during stack unwinding, before the memory of started operations is freed: nothing is
  // written to it any more. The communicator can then only be destroyed.
  virtual void abandon() noexcept {}

 protected:
  Communicator(int rank, int size) : rank_(rank), size_(size) {}

 private:
  // Operations are numbered 1, 2, ...; `work` is the next number.
  virtual void do_start(Work work, const Collective& op) = 0;
  // `work` was started and has not been waited for.
  virtual void do_wait(Work work) = 0;

  int rank_, size_;
  Work started_ = 0;
  std::vector<Work> open_;  // started, not yet waited for
};

// One rank alone: every operation is the identity.
std::unique_ptr<Communicator> make_self_communicator();

}  // namespace d2l
