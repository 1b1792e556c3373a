#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "framework/comm/communicator.h"

namespace d2l {

class PeerWatch;
class Trace;

// Consecutive ranks of a job that work together: all of them (MpiSession) or a part.
class RankGroup {
 public:
  // Every rank of the group destroys it, at the same time and before the session. A group of the
  // whole job does nothing here; nor does any group during stack unwinding.
  virtual ~RankGroup();
  RankGroup(const RankGroup&) = delete;
  RankGroup& operator=(const RankGroup&) = delete;

  int rank() const { return rank_; }  // in the group
  int size() const { return size_; }
  int first_rank() const { return first_rank_; }  // the number in the job of the group's rank 0
  const std::string& host() const { return host_; }

  // The texts of all ranks, in rank order. Every rank makes this call.
  std::vector<std::string> gather(const std::string& mine) const;

  // On rank 0, calls `use` with the texts of all ranks in rank order, one after the other. Every
  // rank makes this call.
  void collect(const std::string& mine, const std::function<void(const std::string&)>& use) const;

  // A communicator over all ranks, with a thread that advances operations while the caller
  // computes; make_self_communicator() if there is one rank. Every rank makes this call. Must be
  // destroyed before the group.
  std::unique_ptr<Communicator> communicator() const;

  // Of all ranks of the job; nullptr if there is only one.
  const std::shared_ptr<PeerWatch>& peers() const { return peers_; }

  // What this rank does is recorded there, also by communicators that are made from now on;
  // nullptr: nothing is recorded.
  void set_trace(std::shared_ptr<Trace> trace) { trace_ = std::move(trace); }
  const std::shared_ptr<Trace>& trace() const { return trace_; }

  // Divides the group: ranks with the same number form a group. Every rank makes this call;
  // `number` is at least 0 and must not decrease from rank to rank.
  std::unique_ptr<RankGroup> split(int number) const;

 protected:
  RankGroup() = default;  // not usable before set_ranks()

  struct Handle;  // MPI's, which this header does not include
  void set_ranks(std::shared_ptr<const Handle> handle);

  int rank_ = 0, size_ = 1, first_rank_ = 0;
  std::string host_;
  // Set when a rank will never finish its part of an operation; shared with the communicators.
  std::shared_ptr<std::atomic<bool>> broken_;
  std::shared_ptr<PeerWatch> peers_;
  std::shared_ptr<Trace> trace_;

 private:
  std::shared_ptr<const Handle> handle_;
};

}  // namespace d2l
