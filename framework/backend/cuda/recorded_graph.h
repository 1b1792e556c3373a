#pragma once

#include <cuda_runtime.h>

#include "framework/backend/backend.h"

namespace d2l::cuda {

// A CUDA graph of what `work` queues on a stream, and on others that wait for it and that it waits
// for (Programming Guide, "CUDA Graphs", stream capture).
class RecordedGraph final : public Backend::Recording {
 public:
  // Throws what `work` throws, and where CUDA cannot capture it.
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
