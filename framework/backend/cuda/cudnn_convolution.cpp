#include "framework/backend/cuda/cudnn_convolution.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "framework/backend/cuda/prepared.h"

namespace d2l::cuda {
namespace {

// Enough for the plans that cuDNN prefers for first layers of large batches with few channels:
// these rearrange the images.
constexpr int64_t kMostWorkspace = int64_t{1} << 30;
constexpr int kMostMeasured = 8;  // plans per graph
constexpr int kMostCompiled = 1;  // of those
// The host needs some microseconds to queue a plan. So that this does not decide between short
// plans, these are run several times per measurement.
constexpr float kShort = 0.1f;  // milliseconds
constexpr int kShortRuns = 5;
constexpr int64_t kScratchAlignment = 256;  // bytes

CudnnHandle make_handle(cudaStream_t stream) {
  cudnnHandle_t raw = nullptr;
  D2L_CUDNN(cudnnCreate(&raw));
  CudnnHandle handle(raw);
  D2L_CUDNN(cudnnSetStream(raw, stream));
  return handle;
}

Event make_event() {
  cudaEvent_t event = nullptr;
  D2L_CUDA(cudaEventCreate(&event));
  return Event(event);
}

// The size of an input gradient that is added separately, rounded up so that what follows is
// aligned.
int64_t result_bytes(const ConvolutionProblem& problem) {
  const int64_t bytes = problem.x.elements() * static_cast<int64_t>(size_of(problem.dtype));
  return (bytes + kScratchAlignment - 1) / kScratchAlignment * kScratchAlignment;
}

bool is_captured(cudaStream_t stream) {
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  D2L_CUDA(cudaStreamIsCapturing(stream, &status));
  return status != cudaStreamCaptureStatusNone;
}

}  // namespace

CudnnConvolution::CudnnConvolution(CudaBackend& backend, const CudaOptions& options)
    : backend_(backend),
      tf32_(options.tf32),
      deterministic_(options.deterministic),
      handle_(make_handle(backend.queue().stream)),
      start_(make_event()),
      stop_(make_event()) {}

void CudnnConvolution::forward(const Conv2dParams& params, const Backend::ConvOperands& in,
                               View y) {
  if (y.elements() == 0) return;
  const OperandRequirements required{.dtype = y.dtype, .alignment = kTensorAlignment};
  const PreparedInput x(backend_, in.x, required), weight(backend_, in.weight, required),
      bias(backend_, in.bias, required);
  PreparedOutput result(backend_, y, required);
  const ConvolutionProblem problem{.pass = ConvolutionPass::forward,
                                   .params = params,
                                   .x = in.x.shape,
                                   .weight = in.weight.shape,
                                   .y = y.shape,
                                   .dtype = y.dtype,
                                   .bias = static_cast<bool>(in.bias),
                                   .relu = params.activation == Activation::relu};
  run({problem,
       {.x = x.view().data,
        .weight = weight.view().data,
        .y = result.view().data,
        .bias = bias.view().data}});
  if (params.activation != Activation::none && !problem.relu)
    backend_.unary(unary_of(params.activation), result.view(), result.view());
  result.finish();
}

void CudnnConvolution::backward_input(const Conv2dParams& params, ConstView grad_y,
                                      ConstView weight, View grad_x, bool accumulate) {
  if (grad_x.elements() == 0) return;
  const OperandRequirements required{.dtype = grad_x.dtype, .alignment = kTensorAlignment};
  const PreparedInput y(backend_, grad_y, required), filter(backend_, weight, required);
  PreparedOutput result(backend_, grad_x, required, accumulate);
  run({{.pass = ConvolutionPass::backward_input,
        .params = params,
        .x = grad_x.shape,
        .weight = weight.shape,
        .y = grad_y.shape,
        .dtype = grad_x.dtype,
        .accumulate = accumulate},
       {.x = result.view().data, .weight = filter.view().data, .y = y.view().data}});
  result.finish();
}

void CudnnConvolution::backward_weight(const Conv2dParams& params, ConstView x, ConstView grad_y,
                                       View grad_weight, View grad_bias) {
  if (grad_y.elements() == 0) {
    backend_.fill(grad_weight, 0);
    if (grad_bias) backend_.fill(grad_bias, 0);
    return;
  }
  const OperandRequirements required{.dtype = x.dtype, .alignment = kTensorAlignment};
  {
    const PreparedInput image(backend_, x, required), y(backend_, grad_y, required);
    PreparedOutput result(backend_, grad_weight, required);
    run({{.pass = ConvolutionPass::backward_weight,
          .params = params,
          .x = x.shape,
          .weight = grad_weight.shape,
          .y = grad_y.shape,
          .dtype = x.dtype},
         {.x = image.view().data, .weight = result.view().data, .y = y.view().data}});
    result.finish();
  }
  if (!grad_bias) return;
  const int64_t channels = grad_y.shape[3], rows = grad_y.elements() / channels;
  backend_.reduce(Reduction::sum, {grad_y.data, grad_y.dtype, {rows, channels}},
                  {grad_bias.data, grad_bias.dtype, {1, channels}});
}

void CudnnConvolution::run(const Task& task) {
  const ConvolutionProblem::Key key = task.problem.key();
  auto found = choices_.find(key);
  if (found == choices_.end()) {
    check(!is_captured(backend_.queue().stream), "a ", to_string(task.problem),
          " must have been computed once before it is captured in a CUDA graph");
    found = choices_.emplace(key, choose(task)).first;
  }
  const Choice& choice = found->second;
  const Scratch<std::byte> scratch(backend_.pool(), scratch_bytes(choice, task.problem));
  D2L_CUDNN(execute(choice, task, scratch.data()));
}

int64_t CudnnConvolution::scratch_bytes(const Choice& choice, const ConvolutionProblem& problem) {
  return choice.plan->workspace() + (choice.add ? result_bytes(problem) : 0);
}

// Queues nothing unless it returns success.
cudnnStatus_t CudnnConvolution::execute(const Choice& choice, const Task& task,
                                        std::byte* scratch) {
  ConvolutionTensors tensors = task.tensors;
  if (choice.add) {
    tensors.x = scratch;
    scratch += result_bytes(task.problem);
  }
  const cudnnStatus_t status = choice.plan->execute(handle_.get(), tensors, scratch);
  if (status == CUDNN_STATUS_SUCCESS) finish(choice, task, tensors);
  return status;
}

// `made`: the tensors that the plan has used.
void CudnnConvolution::finish(const Choice& choice, const Task& task,
                              const ConvolutionTensors& made) {
  const ConvolutionProblem& problem = task.problem;
  if (choice.add) {
    const View x{const_cast<void*>(task.tensors.x), problem.dtype, problem.x};
    backend_.binary(Binary::add, x, {made.x, problem.dtype, problem.x}, x);
  }
  const View y{const_cast<void*>(task.tensors.y), problem.dtype, problem.y};
  const ConstView bias(task.tensors.bias, problem.dtype, {problem.weight[0]});
  if (choice.bias) backend_.binary(Binary::add, y, bias, y);
  if (choice.relu) backend_.unary(Unary::relu, y, y);
}

CudnnConvolution::Choice CudnnConvolution::choose(const Task& task) {
  const ConvolutionProblem& problem = task.problem;
  const EngineRules rules{.tensor_cores = tf32_ || is_half(problem.dtype),
                          .deterministic = deterministic_};
  // Either one fused kernel, or the last steps in separate kernels: only a measurement tells which
  // is faster.
  ConvolutionProblem bare = problem;
  bare.bias = bare.relu = bare.accumulate = false;
  std::vector<const ConvolutionProblem*> ways{&problem};
  if (problem.bias || problem.relu || problem.accumulate) ways.push_back(&bare);
  Task trial = task;
  std::optional<Scratch<std::byte>> stand_in;  // the accumulated result of the trial runs
  if (problem.accumulate) {
    stand_in.emplace(backend_.pool(), result_bytes(problem));
    trial.tensors.x = stand_in->data();
    backend_.fill({stand_in->data(), problem.dtype, problem.x}, 0);
  }
  Choice best;
  float best_time = std::numeric_limits<float>::infinity();
  for (const ConvolutionProblem* way : ways) {
    ConvolutionEngines engines(handle_.get(), *way, rules);
    for (int tried = 0; tried < kMostMeasured; ++tried) {
      Choice next{.plan = engines.next(kMostWorkspace, kMostCompiled),
                  .bias = problem.bias && !way->bias,
                  .relu = problem.relu && !way->relu,
                  .add = problem.accumulate && !way->accumulate};
      if (next.plan == nullptr) break;
      const float time = milliseconds(next, trial);
      if (time >= best_time) continue;
      best_time = time;
      best = std::move(next);
      if (deterministic_) return best;
    }
  }
  check(best.plan != nullptr, "cuDNN cannot compute a ", to_string(problem));
  return best;
}

// The time of one run: the shorter of two measurements. Keeps the last run's result. Infinity if
// the plan fails or there is no memory for it.
float CudnnConvolution::milliseconds(const Choice& choice, const Task& task) {
  float shortest = std::numeric_limits<float>::infinity();
  std::optional<Scratch<std::byte>> scratch;
  try {
    scratch.emplace(backend_.pool(), scratch_bytes(choice, task.problem));
  } catch (const Error&) {
    return shortest;
  }
  if (execute(choice, task, scratch->data()) != CUDNN_STATUS_SUCCESS) return shortest;
  if (deterministic_) return 0;
  for (int i = 0; i < 2; ++i) {
    const int runs = shortest < kShort ? kShortRuns : 1;
    D2L_CUDA(cudaEventRecord(start_.get(), backend_.queue().stream));
    for (int run = 0; run < runs; ++run) D2L_CUDNN(execute(choice, task, scratch->data()));
    D2L_CUDA(cudaEventRecord(stop_.get(), backend_.queue().stream));
    D2L_CUDA(cudaEventSynchronize(stop_.get()));
    float time = 0;
    D2L_CUDA(cudaEventElapsedTime(&time, start_.get(), stop_.get()));
    shortest = std::min(shortest, time / static_cast<float>(runs));
  }
  return shortest;
}

}  // namespace d2l::cuda
