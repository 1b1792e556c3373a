#pragma once

#include <filesystem>
#include <string>

#include "framework/base/log.h"
#include "framework/base/trace.h"
#include "framework/comm/rank_group.h"

namespace d2l::launcher {

// The file of --trace: what all ranks did and when, as a Chrome trace. All ranks of the group make
// the same calls.
class TraceFile {
 public:
  // Compares the ranks' clocks; the trace begins here. Throws Error on each rank, with the reason
  // on rank 0, if rank 0 cannot write the file. All objects must outlive this one.
  TraceFile(std::filesystem::path path, const RankGroup& group, Communicator& comm, Log& log);
  // If write() was not called, each rank writes what it has to a file of its own: of trace.json,
  // trace.rank3.json.
  ~TraceFile();
  TraceFile(const TraceFile&) = delete;
  TraceFile& operator=(const TraceFile&) = delete;

  // Compares the clocks again; rank 0 writes the events of all ranks. If it cannot, it warns.
  void write();

 private:
  // A moment that is nearly the same on all ranks.
  struct Moment {
    int64_t time = 0;    // Trace::now() of this rank
    int64_t differ = 0;  // nanoseconds by which the ranks' moments may differ, at most
  };
  static Moment common_moment(Communicator& comm);

  std::string own_events() const;
  std::string end_of_file() const;

  std::filesystem::path path_;
  const RankGroup& group_;
  Communicator& comm_;
  Log& log_;
  const Trace& trace_;
  int rank_;  // in the job
  Moment begin_;
  TraceClock clock_;
  bool is_written_ = false;
};

}  // namespace d2l::launcher
