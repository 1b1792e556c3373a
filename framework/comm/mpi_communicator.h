#pragma once

#include <mpi.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "framework/comm/communicator.h"
#include "framework/comm/mpi_job.h"

namespace d2l {

// All ranks of a group, over host memory. Jobs go on step by step without ever blocking inside MPI:
// a caller that waits takes the steps itself, without waking another thread, and while it computes
// the communicator's own thread takes one now and then. A mutex lets one of the two at a time talk
// to MPI.
class MpiCommunicator final : public Communicator {
 public:
  struct Options {
    std::string description;
    // Up to so many bytes under way are left to the caller alone: when ranks share their cores with
    // each other, waking the thread costs more than it hides.
    int64_t caller_bytes = 0;
    // Set once this rank's part of an operation will never be done; nothing collective can follow.
    std::shared_ptr<std::atomic<bool>> broken;
  };

  // Works on a duplicate of `group`; every rank of it makes this call.
  MpiCommunicator(MPI_Comm group, Options options);
  // Finishes what was started, unless an exception flies: the other ranks may never take part.
  ~MpiCommunicator() override;

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  std::string describe() const override { return options_.description; }

  Work start_all_reduce(View data) override;
  void wait(Work work) override;
  void broadcast(View data, int root) override;
  void all_gather(ConstView mine, View all) override;
  void barrier() override;
  void abandon() noexcept override;

 private:
  struct Entry {
    std::unique_ptr<MpiJob> job;
    Work work = 0;
    bool last = false;  // of its work
    bool finished = false;
  };

  void push(std::unique_ptr<MpiJob> job, bool last);
  Work run_collective(std::string description, std::function<void(MPI_Request*)> start);
  bool progress();
  void give_up(const Entry& entry, const std::string& reason);
  void check_usable() const;
  void look_after_jobs();
  void stop_thread();

  Options options_;
  MPI_Comm comm_ = MPI_COMM_NULL;
  int rank_ = 0, size_ = 1;
  int exceptions_at_start_ = 0;
  ScratchPool scratch_;

  std::mutex mutex_;  // guards everything below, and MPI on comm_
  std::condition_variable wake_;
  std::deque<Entry> queue_;
  Work started_ = 0, finished_ = 0;
  uint64_t pieces_ = 0;
  int64_t pending_bytes_ = 0;  // started since the queue was last seen empty by a caller
  std::string error_;          // of the first work after finished_; nothing follows it
  bool stopping_ = false;
  std::atomic<bool> caller_waits_ = false;
  std::thread thread_;
};

}  // namespace d2l
