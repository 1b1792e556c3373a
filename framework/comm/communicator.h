#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "framework/backend/view.h"

namespace d2l {

// A group of ranks that compute together. Every rank makes the same calls in the same order. An
// operation that fails throws Error on the thread that waits for it. Only one thread calls a
// communicator.
class Communicator {
 public:
  // Names one started all-reduce; handed to wait() once.
  using Work = uint64_t;

  virtual ~Communicator() = default;
  virtual int rank() const = 0;
  virtual int size() const = 0;
  virtual std::string describe() const = 0;  // "MPI, 8 ranks on 2 hosts"

  // Element-wise sum over all ranks, in place; f32, f64 or i64. The memory is the communicator's
  // until wait() returns. Works finish in the order in which they were started. The same bits on
  // every rank, and in every run with this number of ranks.
  virtual Work start_all_reduce(View data) = 0;
  virtual void wait(Work work) = 0;

  // root's elements to everybody; any dtype.
  virtual void broadcast(View data, int root) = 0;
  // all holds size() times mine's elements, in rank order; any dtype.
  virtual void all_gather(ConstView mine, View all) = 0;
  virtual void barrier() = 0;

  // For who waits elsewhere for work that depends on other ranks, on a device say: throws Error
  // when they are known to be out of reach.
  virtual void poll() {}

  // The caller will not wait for what it started, and its memory is about to go: an exception
  // flies. Nothing is written any more, and nothing but destruction may follow.
  virtual void abandon() noexcept {}

  void all_reduce(View data) { wait(start_all_reduce(data)); }
};

// One rank alone: every operation is the identity.
std::unique_ptr<Communicator> make_self_communicator();

}  // namespace d2l
