#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "framework/backend/memory_pool.h"
#include "framework/backend/view.h"
#include "framework/base/device.h"

namespace d2l {

// What a backend is besides its kernels: a device with memory, a queue of work and copies from and
// to the host. Work is queued in order; results are there for the host after synchronize(). The
// pool and the copies may be used from any thread.
class ComputeDevice {
 public:
  virtual ~ComputeDevice() = default;

  virtual Device device() const = 0;
  virtual std::string describe() const = 0;  // "CPU, AVX-512, oneDNN 2.6.3"
  // Whether activations may be of this type: f32 always, bf16 and f16 where the device multiplies
  // them.
  virtual bool computes(DType dtype) const = 0;
  // How it multiplies activations of this type, and why, as a sentence; "" where there is nothing
  // to choose.
  virtual std::string describe_products(DType activations) const;

  // --- memory and copies ---
  virtual MemoryPool& pool() = 0;
  // The host's memory for copies that run while the host does other work (pinned, with a GPU).
  virtual MemoryPool& staging() = 0;
  // Both may still read and write the host's memory until synchronize().
  virtual void copy_from_host(const void* host, View out) = 0;
  virtual void copy_to_host(ConstView in, void* host) = 0;
  virtual void synchronize() = 0;

  // --- events ---
  // An event that happens when all that has been queued so far is done.
  virtual uint64_t record_event() = 0;
  // Returns when the event has happened; calls `meanwhile` now and then, which may throw.
  virtual void wait_event(uint64_t event, const std::function<void()>& meanwhile = {}) = 0;

  // --- uploads: copies from staging() beside the kernels, in an order of their own ---
  // Begins after the event, which is when `out` is free.
  virtual void upload_async(const void* host, View out, uint64_t after) = 0;
  // What is queued from now on waits for all uploads so far.
  virtual void await_uploads() = 0;

  // --- recording: work that is queued once and repeated for next to nothing ---
  class Recording {
   public:
    virtual ~Recording() = default;
    virtual std::string describe() const = 0;  // "a CUDA graph of 120 nodes"
    // Queues it all: the same kernels, numbers and memory.
    virtual void replay() = 0;
  };
  // What `work` queues, which does not run yet. Memory that `work` takes and gives back belongs to
  // the replays: others must be kept out of it (MemoryPool::use_part). Throws Error for work that
  // waits for the device or copies from or to the host. nullptr, and no call of `work`, where the
  // device has no use for it.
  virtual std::unique_ptr<Recording> record(const std::function<void()>& work);
};

}  // namespace d2l
