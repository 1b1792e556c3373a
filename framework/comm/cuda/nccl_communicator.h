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

// Operations on the GPU's memory are NCCL's, on a stream of their own: an operation begins when the
// backend's work queued so far is done, and the backend's work queued after wait() begins when the
// operation is done, without the host waiting for either. Non-blocking: errors of other ranks and
// of the network are polled and thrown with NCCL's own last message.
class NcclCommunicator final : public Communicator {
 public:
  NcclCommunicator(std::unique_ptr<Communicator> host, CudaBackend& backend);
  ~NcclCommunicator() override;

  int rank() const override { return host_->rank(); }
  int size() const override { return host_->size(); }
  std::string describe() const override;

  Work start_all_reduce(View data) override;
  void wait(Work work) override;
  void broadcast(View data, int root) override;
  void all_gather(ConstView mine, View all) override;
  void barrier() override { host_->barrier(); }
  void poll() override;
  void abandon() noexcept override;

 private:
  struct Pending {
    cudaEvent_t done = nullptr;  // null: the data lie on the host
    Work host_work = 0;
  };

  bool on_device(const void* data) const { return backend_.pool().owns(data); }
  void settle(ncclResult_t result, const char* call);
  void connect();
  cudaEvent_t take_event();
  void follow_backend();  // what is queued next waits for the backend's work
  cudaEvent_t mark();     // after what has been queued
  void lead_backend(cudaEvent_t done);

  std::unique_ptr<Communicator> host_;
  CudaBackend& backend_;
  ncclComm_t comm_ = nullptr;
  cudaStream_t stream_ = nullptr;
  std::vector<cudaEvent_t> events_;  // free ones
  std::map<Work, Pending> pending_;
  Work started_ = 0;
};

}  // namespace d2l::cuda
