// bench-cudnn-fusions [batch]: the benefit of cuDNN's fused graphs for d2l, on layers of ResNet-50
// in bf16. Input gradients that the convolution adds to existing ones (beta = 1), and convolutions
// that also compute the sums for batch norm, each compared with the plain form: milliseconds of the
// fastest plan, number of plans, and the time to make and try them.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <optional>

#include "benchmarks/cudnn_fusion_graphs.h"
#include "framework/base/text.h"
#include "framework/base/timer.h"

namespace d2l::cuda {
namespace {

constexpr size_t kMostPlans = 8;
constexpr int kCalls = 10;  // between two clock readings
constexpr int64_t kMostWorkspace = int64_t{1} << 30;

void check_runtime(cudaError_t result) { check(result == cudaSuccess, cudaGetErrorString(result)); }

class Memory {
 public:
  explicit Memory(int64_t bytes) {
    check_runtime(cudaMalloc(&data_, static_cast<size_t>(bytes)));
    check_runtime(cudaMemset(data_, 0, static_cast<size_t>(bytes)));
  }
  ~Memory() { cudaFree(data_); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  void* data() const { return data_; }

 private:
  void* data_ = nullptr;
};

struct Times {
  float milliseconds = std::numeric_limits<float>::infinity();  // of the fastest plan
  size_t plans = 0;
  double seconds = 0;  // to find it
};

class FusionBench {
 public:
  FusionBench() {
    cudnnHandle_t raw = nullptr;
    D2L_CUDNN(cudnnCreate(&raw));
    handle_.reset(raw);
    for (Event* event : {&begin_, &end_}) {
      cudaEvent_t made = nullptr;
      check_runtime(cudaEventCreate(&made));
      event->reset(made);
    }
  }

  Times measure(Fusion fusion, const FusionCase& c) {
    const Timer timer;
    const Memory x(2 * c.x_elements()), weight(2 * c.weight_elements()), y(2 * c.y_elements());
    const Memory sums(4 * c.out), squares(4 * c.out);
    std::vector<int64_t> ids{FusionTensor::kX, FusionTensor::kWeight, FusionTensor::kY};
    std::vector<void*> places{x.data(), weight.data(), y.data()};
    if (fusion == Fusion::forward_with_sums) {
      ids.insert(ids.end(), {FusionTensor::kSums, FusionTensor::kSquares});
      places.insert(places.end(), {sums.data(), squares.data()});
    }
    const Descriptor graph = fusion_graph(handle_.get(), fusion, c);
    Times times;
    for (const FusionPlan& plan : fusion_plans(graph, kMostPlans)) {
      const int64_t bytes = plan.plan.number(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE);
      if (bytes > kMostWorkspace) continue;
      const Memory workspace(std::max<int64_t>(bytes, 1));
      Descriptor arguments(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
      arguments.set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, ids)
          .set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, places)
          .set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, workspace.data())
          .finalize();
      const std::optional<float> taken = milliseconds(plan.plan, arguments);
      if (!taken) continue;
      ++times.plans;
      times.milliseconds = std::min(times.milliseconds, *taken);
    }
    times.seconds = timer.seconds();
    return times;
  }

 private:
  // Nothing if the plan does not work.
  std::optional<float> milliseconds(const Descriptor& plan, const Descriptor& arguments) {
    const auto execute = [&] {
      return cudnnBackendExecute(handle_.get(), plan.get(), arguments.get());
    };
    if (execute() != CUDNN_STATUS_SUCCESS) return std::nullopt;
    float best = std::numeric_limits<float>::infinity();
    for (int i = 0; i < 3; ++i) {
      check_runtime(cudaEventRecord(begin_.get()));
      for (int call = 0; call < kCalls; ++call) D2L_CUDNN(execute());
      check_runtime(cudaEventRecord(end_.get()));
      check_runtime(cudaEventSynchronize(end_.get()));
      float time = 0;
      check_runtime(cudaEventElapsedTime(&time, begin_.get(), end_.get()));
      best = std::min(best, time / kCalls);
    }
    return best;
  }

  CudnnHandle handle_;
  Event begin_, end_;
};

void compare(FusionBench& bench, const char* what, std::pair<Fusion, Fusion> kinds,
             const FusionCase& c) {
  const Times plain = bench.measure(kinds.first, c), fused = bench.measure(kinds.second, c);
  std::printf("%-24s %4ld x %-4ld %5ld -> %-5ld %ld x %ld %9.3f %9.3f %6zu %8.1f\n", what, c.side,
              c.side, c.in, c.out, c.kernel, c.kernel, static_cast<double>(plain.milliseconds),
              static_cast<double>(fused.milliseconds), fused.plans, fused.seconds);
  std::fflush(stdout);
}

void run(int64_t batch) {
  FusionBench bench;
  std::printf("batch %ld, bf16\n%-24s %-11s %-14s %-5s %9s %9s %6s %8s\n", batch, "", "images",
              "channels", "size", "plain ms", "fused ms", "plans", "made in s");
  for (const auto& [side, channels] : {std::pair(56, 256), {28, 512}, {14, 1024}, {7, 2048}})
    compare(bench, "input gradient, added", {Fusion::input_gradient, Fusion::added_gradient},
            {batch, side, channels, channels / 4, 1});
  for (const FusionCase& c :
       {FusionCase{batch, 56, 64, 256, 1}, FusionCase{batch, 28, 128, 128, 3}})
    compare(bench, "convolution with sums", {Fusion::forward, Fusion::forward_with_sums}, c);
}

}  // namespace
}  // namespace d2l::cuda

int main(int argc, char** argv) {
  try {
    d2l::cuda::run(argc > 1 ? std::atoi(argv[1]) : 128);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench-cudnn-fusions: error: %s\n", error.what());
    return 1;
  }
  return 0;
}
