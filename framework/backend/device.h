#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "framework/backend/memory_pool.h"
#include "framework/backend/view.h"
#include "framework/base/device.h"

namespace d2l {

// The device of a backend, without its kernels: memory, a queue of work, and copies to and from the
// host. Work is executed in the order in which it is queued. The host may read results after
// synchronize(). The pool and the copies may be used from any thread.
class ComputeDevice {
 public:
  virtual ~ComputeDevice() = default;

  virtual Device device() const = 0;
  virtual std::string describe() const = 0;  // "CPU, AVX-512, oneDNN 2.6.3"
  // Whether activations may have this type: f32 always, bf16 and f16 if the device supports them.
  virtual bool computes(DType dtype) const = 0;
  // One sentence: how the device multiplies activations of this type, and why. "" if there is only
  // one way.
  virtual std::string describe_products(DType activations) const;

  // --- memory and copies ---
  virtual MemoryPool& pool() = 0;
  // Host memory for asynchronous copies (pinned memory for a GPU).
  virtual MemoryPool& staging() = 0;
  // The host's memory may be in use until synchronize(), in both functions.
  virtual void copy_from_host(const void* host, View out) = 0;
  virtual void copy_to_host(ConstView in, void* host) = 0;
  virtual void synchronize() = 0;

  // --- events ---
  // Records an event: it happens when all work that has been queued so far is done.
  virtual uint64_t record_event() = 0;
  // Waits for the event. Calls `meanwhile`, which may throw, from time to time.
  virtual void wait_event(uint64_t event, const std::function<void()>& meanwhile = {}) = 0;

  // --- uploads: copies from staging() that run in parallel with kernels, in their own order ---
  // Starts after the event `after`, when `out` is free.
  virtual void upload_async(const void* host, View out, uint64_t after) = 0;
  // Work that is queued from now on waits for all uploads so far.
  virtual void await_uploads() = 0;

  // --- recording (CUDA graph capture): work that is queued once and replayed at little cost ---
  class Recording {
   public:
    virtual ~Recording() = default;
    virtual std::string describe() const = 0;  // "a CUDA graph of 120 nodes"
    // Queues the recorded kernels again, with the same arguments and memory.
    virtual void replay() = 0;
  };
  // Records the work that `work` queues, without running it. Memory that `work` allocates and
  // releases belongs to the replays: keep other users out of it (MemoryPool::use_part). Throws
  // Error if `work` waits for the device or copies from or to the host. Returns nullptr, and does
  // not call `work`, if the device does not support recording.
  virtual std::unique_ptr<Recording> record(const std::function<void()>& work);
};

}  // namespace d2l
