#pragma once

#include <mpi.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "framework/base/trace.h"
#include "framework/comm/communicator.h"
#include "framework/comm/mpi_job.h"
#include "framework/comm/peer_watch.h"

namespace d2l {

// A communicator over all ranks of a group, for host memory. An operation is cut into jobs, which
// advance in small steps and never block inside MPI. A caller that waits advances them itself,
// without waking another thread; while it computes, the communicator's own thread advances them. A
// mutex lets only one of the two call MPI at a time.
class MpiCommunicator final : public Communicator {
 public:
  struct Options {
    std::string description;
    // The thread is woken only if more bytes than this are under way. Below, the caller alone
    // advances the jobs: where ranks share cores, waking the thread would cost more than it saves.
    int64_t caller_bytes = 0;
    // Set when this rank will never finish its part of an operation; no further one is possible.
    std::shared_ptr<std::atomic<bool>> broken;
    std::shared_ptr<PeerWatch> peers;  // nullptr: nobody watches
    std::shared_ptr<Trace> trace;      // nullptr: nothing is recorded
  };

  // Uses a duplicate of `group`; every rank of it makes this call.
  MpiCommunicator(MPI_Comm group, Options options);
  // Finishes what was started, except during stack unwinding: the other ranks may never take part.
  ~MpiCommunicator() override;

  std::string describe() const override { return options_.description; }
  std::vector<Range> parts(int64_t elements) const override;
  void check_peers() override;
  void abandon() noexcept override;

 private:
  struct Entry {
    std::unique_ptr<MpiJob> job;
    Work work = 0;
    bool last = false;  // of its work
    bool finished = false;
    int64_t started = 0;  // Trace::now(), if there is a trace
  };

  void do_start(Work work, const Collective& op) override;
  void do_wait(Work work) override;
  void push_jobs(Work work, const Collective& op);
  bool progress();
  void record(const Entry& entry);
  void give_up_if_a_peer_is_lost();
  void give_up(const Entry& entry, const std::string& reason);
  void check_usable() const;
  void run_jobs();
  void stop_thread();

  Options options_;
  MPI_Comm comm_ = MPI_COMM_NULL;
  int exceptions_at_start_ = 0;
  ScratchPool scratch_;

  std::mutex mutex_;  // guards everything below, and MPI on comm_
  std::condition_variable wake_;
  std::deque<Entry> queue_;
  Work finished_ = 0;  // all up to this one are
  uint64_t pieces_ = 0;
  int64_t pending_bytes_ = 0;  // started since a caller last found the queue empty
  std::string error_;          // of the first operation that failed; no further one is possible
  bool lost_ = false;          // it failed because a rank is lost
  bool stopping_ = false;
  std::atomic<bool> caller_waits_ = false;
  std::thread thread_;
};

}  // namespace d2l
