#pragma once

#include <cuda_runtime.h>
#include <nccl.h>

#include <map>
#include <memory>
#include <vector>

#include "framework/backend/cuda/check.h"
#include "framework/backend/cuda/cuda_backend.h"
#include "framework/comm/communicator.h"

namespace d2l::cuda {

// NCCL does the operations on the GPU's memory, on a stream of its own; `host` does those on host
// memory. An operation begins when the backend's work queued before start() is done; work queued
// after wait() begins when the operation is done. The host waits for neither. Calls of NCCL do not
// block: wait() and check_peers() ask it for errors of other ranks and of the network, and throw
// Error with NCCL's own last message.
class NcclCommunicator final : public Communicator {
 public:
  NcclCommunicator(std::unique_ptr<Communicator> host, CudaBackend& backend);
  ~NcclCommunicator() override;

  std::string describe() const override;
  std::vector<Range> parts(int64_t elements) const override;
  void check_peers() override;
  void abandon() noexcept override;

 private:
  struct Pending {
    cudaEvent_t done = nullptr;  // null: the operation is on host memory
    Work host_work = 0;
  };

  void do_start(Work work, const Collective& op) override;
  void do_wait(Work work) override;

  bool on_device(const void* data) const { return backend_.pool().owns(data); }
  void settle(ncclResult_t result, const char* call);
  void connect();
  void queue(const Collective& op);
  void scatter(const View& data);
  void gather(const View& data);
  cudaEvent_t take_event();
  void follow_backend();  // what is queued next on stream_ waits for the backend's work
  cudaEvent_t mark();     // an event after what has been queued on stream_
  void lead_backend(cudaEvent_t done);  // what the backend queues next waits for it

  std::unique_ptr<Communicator> host_;
  CudaBackend& backend_;
  ncclComm_t comm_ = nullptr;
  cudaStream_t stream_ = nullptr;
  std::vector<cudaEvent_t> events_;  // free ones
  std::map<Work, Pending> pending_;
};

}  // namespace d2l::cuda
