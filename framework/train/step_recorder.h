#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "framework/backend/backend.h"
#include "framework/base/log.h"
#include "framework/comm/communicator.h"

namespace d2l {

// Work that is done over and over, the same each time but for the numbers in memory: on a backend
// that can record, the host's part of it is done only a few times. Where it holds operations of all
// ranks, they record it at the same call, or none does.
class StepRecorder {
 public:
  // Work of different keys differs in more than numbers: shapes, addresses, constants. Every rank
  // has its own keys, and meets a new one when the others do.
  using Key = std::vector<int64_t>;

  // Not `wanted`: the work is called every time.
  StepRecorder(Backend& backend, Communicator& comm, bool wanted, Log& log)
      : backend_(backend), comm_(comm), wanted_(wanted), log_(log) {}
  ~StepRecorder() { forget(); }
  StepRecorder(const StepRecorder&) = delete;
  StepRecorder& operator=(const StepRecorder&) = delete;

  // Queues the work. It must leave behind nothing on the host that changes from call to call, and
  // memory that it takes while it runs must be given back at its end. Work that turns out not to be
  // recordable is done as before, after one warning; it is then called anew from the beginning.
  void run(const Key& key, const std::function<void()>& work);

  // While the answer lives, the backend's memory comes from what replays write to: for other work
  // that leaves nothing behind, which thus needs no memory of its own.
  PoolPart shared_memory() const { return {backend_.pool(), wanted_ ? kPart : 0}; }

  bool has_recordings() const { return recordings_ > 0; }
  // Lets go of them, as a communicator whose operations they hold wants it before it is abandoned.
  void forget() noexcept;

 private:
  static constexpr int kPart = 1;            // of the pool
  static constexpr int kWarmUp = 3;          // calls before: kernels are chosen, memory is there
  static constexpr int kMostRecordings = 4;  // keys that are met more often than that are few

  struct Seen {
    int calls = 0;
    std::unique_ptr<Backend::Recording> recording;
  };

  void call(const Seen& seen, const std::function<void()>& work);
  void record(Seen& seen, const std::function<void()>& work);
  bool holds_on_all_ranks(bool here);

  Backend& backend_;
  Communicator& comm_;
  bool wanted_;
  Log& log_;
  std::map<Key, Seen> seen_;
  int recordings_ = 0;
  uint64_t kept_bytes_ = 0;  // in use in the part when the newest recording was made
};

}  // namespace d2l
