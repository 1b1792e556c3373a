#include "framework/backend/cuda/recorded_graph.h"

#include <memory>
#include <type_traits>

#include "framework/backend/cuda/check.h"

namespace d2l::cuda {
namespace {

struct DestroyGraph {
  void operator()(cudaGraph_t graph) const { cudaGraphDestroy(graph); }
};
using Graph = std::unique_ptr<std::remove_pointer_t<cudaGraph_t>, DestroyGraph>;

// Relaxed mode: the pool may allocate memory during the capture.
Graph captured(cudaStream_t stream, const std::function<void()>& work) {
  D2L_CUDA(cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed));
  cudaGraph_t graph = nullptr;
  try {
    work();
  } catch (...) {
    cudaStreamEndCapture(stream, &graph);
    const Graph dropped(graph);
    cudaGetLastError();  // clears the error of a failed capture for later calls
    throw;
  }
  D2L_CUDA(cudaStreamEndCapture(stream, &graph));
  return Graph(graph);
}

}  // namespace

RecordedGraph::RecordedGraph(cudaStream_t stream, const std::function<void()>& work)
    : stream_(stream) {
  const Graph graph = captured(stream, work);
  D2L_CUDA(cudaGraphGetNodes(graph.get(), nullptr, &nodes_));
  D2L_CUDA(cudaGraphInstantiate(&program_, graph.get(), 0));
}

RecordedGraph::~RecordedGraph() {
  if (program_ != nullptr) cudaGraphExecDestroy(program_);
}

std::string RecordedGraph::describe() const { return concat("a CUDA graph of ", nodes_, " nodes"); }

void RecordedGraph::replay() { D2L_CUDA(cudaGraphLaunch(program_, stream_)); }

}  // namespace d2l::cuda
