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

// Runs work that is repeated with other numbers in the same memory. On a backend that can record,
// the host queues the work in the first calls; later calls replay a recording. All ranks record at
// the same call or none does, since the work may contain collective operations.
class StepRecorder {
 public:
  // Identifies work that differs only in the numbers. Work with other shapes, addresses or
  // constants needs another key. Ranks may have different keys, but must use a new key at the same
  // call.
  using Key = std::vector<int64_t>;

  // `wanted` false: never records.
  StepRecorder(Backend& backend, Communicator& comm, bool wanted, Log& log)
      : backend_(backend), comm_(comm), wanted_(wanted), log_(log) {}
  ~StepRecorder() { forget(); }
  StepRecorder(const StepRecorder&) = delete;
  StepRecorder& operator=(const StepRecorder&) = delete;

  // Queues the work. The work must leave the same host state after every call, since replays do not
  // run its host code, and must free the memory that it allocates. If recording fails, logs one
  // warning, calls the work again from its beginning and never records again.
  void run(const Key& key, const std::function<void()>& work);

  // While the result exists, the backend allocates from the part of the pool that replays use too.
  // For other work that keeps no memory: it then needs no memory of its own.
  PoolPart shared_memory() const { return {backend_.pool(), wanted_ ? kPart : 0}; }

  bool has_recordings() const { return recordings_ > 0; }
  // Drops all recordings. Required before a communicator whose operations they contain is
  // abandoned.
  void forget() noexcept;

 private:
  static constexpr int kPart = 1;            // of the pool
  static constexpr int kWarmUp = 3;          // calls before recording: they warm up the backend
  static constexpr int kMostRecordings = 4;  // more keys than this are not recorded

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
  uint64_t kept_bytes_ = 0;  // in use in kPart after the newest recording
};

}  // namespace d2l
