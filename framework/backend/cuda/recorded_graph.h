#pragma once

#include <cuda_runtime.h>

#include "framework/backend/backend.h"

namespace d2l::cuda {

// A CUDA graph of the work that `work` queues on a stream, and on other streams that are joined
// with it (stream capture; Programming Guide, "CUDA Graphs").
class RecordedGraph final : public Backend::Recording {
 public:
  // Throws what `work` throws, and Error if CUDA cannot capture it.
  RecordedGraph(cudaStream_t stream, const std::function<void()>& work);
  ~RecordedGraph() override;
  RecordedGraph(const RecordedGraph&) = delete;
  RecordedGraph& operator=(const RecordedGraph&) = delete;

  std::string describe() const override;
  void replay() override;

 private:
  cudaStream_t stream_;
  cudaGraphExec_t program_ = nullptr;
  size_t nodes_ = 0;
};

}  // namespace d2l::cuda
