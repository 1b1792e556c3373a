#include "framework/backend/cuda/cuda_backend.h"

#include "framework/backend/cuda/check.h"
#include "framework/backend/cuda/recorded_graph.h"
#include "framework/backend/cuda_entry.h"
#include "framework/base/text.h"

namespace d2l::cuda {
namespace {

// Sets the calling thread's device: CUDA has one per thread.
void use_device(int device) { D2L_CUDA(cudaSetDevice(device)); }

Queue make_queue(int device) {
  use_device(device);
  Queue queue;
  D2L_CUDA(cudaStreamCreateWithFlags(&queue.stream, cudaStreamNonBlocking));
  D2L_CUDA(cudaDeviceGetAttribute(&queue.multiprocessors, cudaDevAttrMultiProcessorCount, device));
  return queue;
}

MemoryPool::Raw raw_memory(int device) {
  auto allocate = [device](size_t bytes) {
    use_device(device);
    void* block = nullptr;
    const cudaError_t result = cudaMalloc(&block, bytes);
    if (result == cudaErrorMemoryAllocation) {
      cudaGetLastError();  // clears the error, so that the next call does not report it
      fail("out of memory: GPU ", device, " has no ", human_bytes(bytes), " more");
    }
    D2L_CUDA(result);
    return block;
  };
  return {allocate, [](void* block) { cudaFree(block); }};
}

// Pinned pages, which the GPU can access directly.
MemoryPool::Raw raw_staging(int device) {
  auto allocate = [device](size_t bytes) {
    use_device(device);
    void* block = nullptr;
    D2L_CUDA(cudaMallocHost(&block, bytes));
    return block;
  };
  return {allocate, [](void* block) { cudaFreeHost(block); }};
}

}  // namespace

void check_call(cudaError_t result, const char* call, const char* file, int line) {
  if (result != cudaSuccess)
    fail(call, ": ", cudaGetErrorString(result), " (", file, ":", line, ")");
}

CudaBackend::CudaBackend(const CudaOptions& options)
    : options_(options),
      queue_(make_queue(options.device)),
      pool_(raw_memory(options.device)),
      staging_(raw_staging(options.device)),
      products_(make_products(*this, options)) {
  for (cudaEvent_t& event : events_)
    D2L_CUDA(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
  D2L_CUDA(cudaStreamCreateWithFlags(&copies_, cudaStreamNonBlocking));
  D2L_CUDA(cudaEventCreateWithFlags(&uploaded_, cudaEventDisableTiming));
}

CudaBackend::~CudaBackend() {
  rounded_.reset();
  cudaStreamSynchronize(copies_);
  cudaStreamSynchronize(queue_.stream);
  products_.reset();
  cudaEventDestroy(uploaded_);
  cudaStreamDestroy(copies_);
  for (cudaEvent_t event : events_) cudaEventDestroy(event);
  cudaStreamDestroy(queue_.stream);
}

std::string CudaBackend::describe() const {
  cudaDeviceProp properties{};
  D2L_CUDA(cudaGetDeviceProperties(&properties, options_.device));
  return concat("GPU ", options_.device, ", ", static_cast<const char*>(properties.name), ", ",
                products_->describe());
}

bool CudaBackend::computes(DType dtype) const { return dtype == DType::f32 || is_half(dtype); }

// A replay would not repeat work of the host, or would repeat it with old data.
void CudaBackend::expect_no_recording(const char* what) const {
  check(!recording_, "a CUDA graph can contain GPU work only, found ", what);
}

void CudaBackend::copy_from_host(const void* host, View out) {
  if (out.bytes() == 0) return;
  expect_no_recording("a copy from the host");
  use_device(options_.device);
  D2L_CUDA(cudaMemcpyAsync(out.data, host, static_cast<size_t>(out.bytes()), cudaMemcpyHostToDevice,
                           queue_.stream));
}

void CudaBackend::copy_to_host(ConstView in, void* host) {
  if (in.bytes() == 0) return;
  expect_no_recording("a copy to the host");
  use_device(options_.device);
  D2L_CUDA(cudaMemcpyAsync(host, in.data, static_cast<size_t>(in.bytes()), cudaMemcpyDeviceToHost,
                           queue_.stream));
}

void CudaBackend::synchronize() {
  expect_no_recording("a wait for it");
  use_device(options_.device);
  D2L_CUDA(cudaStreamSynchronize(queue_.stream));
}

uint64_t CudaBackend::record_event() {
  expect_no_recording("an event");
  D2L_CUDA(cudaEventRecord(events_[++recorded_ % kEvents], queue_.stream));
  return recorded_;
}

// The CUDA event of an old number has been reused for a newer one, which happens later.
void CudaBackend::wait_event(uint64_t number, const std::function<void()>& meanwhile) {
  cudaEvent_t event = events_[number % kEvents];
  if (!meanwhile) return D2L_CUDA(cudaEventSynchronize(event));
  for (cudaError_t state = cudaEventQuery(event); state != cudaSuccess;
       state = cudaEventQuery(event)) {
    if (state != cudaErrorNotReady) check_call(state, "cudaEventQuery", __FILE__, __LINE__);
    meanwhile();
  }
}

void CudaBackend::do_round_once(ConstView values, DType dtype) {
  rounded_.reset();
  if (values.elements() == 0 || !values) return;
  Scratch<char> memory(pool_, values.elements() * static_cast<int64_t>(size_of(dtype)));
  const Strides strides = contiguous_strides(values.shape);
  copy({values.data, values.dtype, values.shape, strides},
       {memory.data(), dtype, values.shape, strides}, false);
  rounded_.emplace(Rounded{std::move(memory), values, dtype});
}

ConstView CudaBackend::rounded(ConstView view, DType dtype) const {
  if (!rounded_ || rounded_->dtype != dtype || view.dtype != DType::f32) return {};
  const int64_t first = view.as<float>() - rounded_->values.as<float>();
  if (first < 0 || first + view.elements() > rounded_->values.elements()) return {};
  return {rounded_->memory.data() + first * static_cast<int64_t>(size_of(dtype)), dtype,
          view.shape};
}

std::unique_ptr<Backend::Recording> CudaBackend::record(const std::function<void()>& work) {
  expect_no_recording("another one");
  recording_ = true;
  try {
    auto graph = std::make_unique<RecordedGraph>(queue_.stream, work);
    recording_ = false;
    return graph;
  } catch (...) {
    recording_ = false;
    throw;
  }
}

void CudaBackend::upload_async(const void* host, View out, uint64_t after) {
  if (out.bytes() == 0) return;
  expect_no_recording("a copy from the host");
  use_device(options_.device);
  D2L_CUDA(cudaStreamWaitEvent(copies_, events_[after % kEvents]));
  D2L_CUDA(cudaMemcpyAsync(out.data, host, static_cast<size_t>(out.bytes()), cudaMemcpyHostToDevice,
                           copies_));
}

void CudaBackend::await_uploads() {
  expect_no_recording("a wait for copies from the host");
  use_device(options_.device);
  D2L_CUDA(cudaEventRecord(uploaded_, copies_));
  D2L_CUDA(cudaStreamWaitEvent(queue_.stream, uploaded_));
}

void CudaBackend::do_matmul(const MatmulParams& params, ConstView a, ConstView b, ConstView bias,
                            View out) {
  products_->matmul(params, a, b, bias, out);
}

void CudaBackend::do_conv2d(const Conv2dParams& params, const ConvOperands& in, View y) {
  products_->conv2d(params, in, y);
}

void CudaBackend::do_conv2d_backward_input(const Conv2dParams& params, ConstView grad_y,
                                           ConstView weight, View grad_x, bool accumulate) {
  products_->conv2d_backward_input(params, grad_y, weight, grad_x, accumulate);
}

void CudaBackend::do_conv2d_backward_weight(const Conv2dParams& params, ConstView x,
                                            ConstView grad_y, View grad_weight, View grad_bias) {
  products_->conv2d_backward_weight(params, x, grad_y, grad_weight, grad_bias);
}

}  // namespace d2l::cuda

int d2l_cuda_devices(std::string* trouble) {
  int count = 0;
  const cudaError_t result = cudaGetDeviceCount(&count);
  if (result == cudaSuccess && count > 0) return count;
  cudaGetLastError();
  if (trouble != nullptr)
    *trouble = result == cudaErrorInsufficientDriver
                   ? "there is no usable NVIDIA driver on this machine"
                   : d2l::concat("this machine has no GPU (", cudaGetErrorString(result), ")");
  return 0;
}

void d2l_cuda_device_address(int device, std::string* address) {
  char text[32] = {};
  D2L_CUDA(cudaDeviceGetPCIBusId(text, sizeof text, device));
  *address = text;
}

d2l::Backend* d2l_cuda_backend(const d2l::CudaOptions& options) {
  return new d2l::cuda::CudaBackend(options);
}
