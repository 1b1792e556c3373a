#include "framework/comm/cuda/nccl_communicator.h"

#include <chrono>
#include <cstdlib>
#include <exception>
#include <thread>

#include "framework/comm/nccl_entry.h"

#define D2L_NCCL(call) settle((call), #call)

namespace d2l::cuda {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kPatience = std::chrono::seconds(120);  // for connecting, which is the slowest
constexpr auto kSoon = std::chrono::milliseconds(1);

// A short while. Each operation is queued by a thread of NCCL's own, within some ten microseconds,
// which the kernel's shortest sleep would make a hundred.
void pause(Clock::time_point begin) {
  if (Clock::now() - begin < kSoon)
    std::this_thread::yield();
  else
    std::this_thread::sleep_for(std::chrono::microseconds(50));
}

ncclDataType_t nccl_type(DType dtype) {
  if (dtype == DType::f32) return ncclFloat32;
  return dtype == DType::f64 ? ncclFloat64 : ncclInt64;
}

}  // namespace

// Waits while NCCL is busy; throws Error with its message if it fails.
void NcclCommunicator::settle(ncclResult_t result, const char* call) {
  const auto begin = Clock::now();
  while (result == ncclInProgress && comm_ != nullptr) {
    check(Clock::now() - begin < kPatience, call, ": no answer within ", kPatience.count(),
          " s; do all ranks run, and do they reach each other?");
    pause(begin);
    const ncclResult_t asked = ncclCommGetAsyncError(comm_, &result);
    if (asked != ncclSuccess) result = asked;
  }
  if (result == ncclSuccess) return;
  int version = 0;
  ncclGetVersion(&version);
  fail(call, ": ", ncclGetErrorString(result), ": ", ncclGetLastError(comm_), " (NCCL ", version,
       "; NCCL_DEBUG=WARN tells more)");
}

NcclCommunicator::NcclCommunicator(std::unique_ptr<Communicator> host, CudaBackend& backend)
    : Communicator(host->rank(), host->size()), host_(std::move(host)), backend_(backend) {
  D2L_CUDA(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking));
  try {
    connect();
  } catch (...) {
    if (comm_ != nullptr) ncclCommAbort(comm_);  // its threads still look for the other ranks
    cudaStreamDestroy(stream_);
    throw;
  }
}

void NcclCommunicator::connect() {
  // Sums in a recorded step would register their memory, for which the ranks of a host wait for
  // each other, without a limit where one of them has failed.
  setenv("NCCL_GRAPH_REGISTER", "0", false);
  ncclUniqueId id{};
  if (rank() == 0) D2L_NCCL(ncclGetUniqueId(&id));
  host_->broadcast({&id, DType::u8, Shape{sizeof id}}, 0);
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  config.blocking = 0;
  D2L_NCCL(ncclCommInitRankConfig(&comm_, size(), id, rank(), &config));
}

// During stack unwinding other ranks may be waiting for what this one will never send.
NcclCommunicator::~NcclCommunicator() {
  if (comm_ != nullptr && std::uncaught_exceptions() > 0) {
    ncclCommAbort(comm_);
  } else if (comm_ != nullptr) {
    const auto begin = Clock::now();
    ncclResult_t state = ncclCommFinalize(comm_);
    while (state == ncclInProgress && Clock::now() - begin < kPatience &&
           ncclCommGetAsyncError(comm_, &state) == ncclSuccess)
      pause(begin);
    state == ncclSuccess ? ncclCommDestroy(comm_) : ncclCommAbort(comm_);
  }
  for (const auto& [work, pending] : pending_)
    if (pending.done != nullptr) cudaEventDestroy(pending.done);
  for (cudaEvent_t event : events_) cudaEventDestroy(event);
  cudaStreamDestroy(stream_);
}

void NcclCommunicator::abandon() noexcept {
  if (comm_ != nullptr) ncclCommAbort(comm_);
  comm_ = nullptr;
  host_->abandon();
}

std::string NcclCommunicator::describe() const {
  int version = 0;
  ncclGetVersion(&version);
  return concat("NCCL ", version / 10000, ".", version / 100 % 100, ".", version % 100, " over ",
                host_->describe());
}

cudaEvent_t NcclCommunicator::take_event() {
  cudaEvent_t event = nullptr;
  if (events_.empty()) {
    D2L_CUDA(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
    return event;
  }
  event = events_.back();
  events_.pop_back();
  return event;
}

void NcclCommunicator::follow_backend() {
  cudaEvent_t reached = take_event();
  D2L_CUDA(cudaEventRecord(reached, backend_.queue().stream));
  D2L_CUDA(cudaStreamWaitEvent(stream_, reached, 0));
  events_.push_back(reached);  // a queued wait does not see later records
}

cudaEvent_t NcclCommunicator::mark() {
  cudaEvent_t done = take_event();
  D2L_CUDA(cudaEventRecord(done, stream_));
  return done;
}

void NcclCommunicator::lead_backend(cudaEvent_t done) {
  D2L_CUDA(cudaStreamWaitEvent(backend_.queue().stream, done, 0));
  events_.push_back(done);
}

void NcclCommunicator::do_start(Work work, const Collective& op) {
  Pending pending;
  if (on_device(op.data.data)) {
    follow_backend();
    queue(op);
    pending.done = mark();
  } else {
    pending.host_work = host_->start(op);
  }
  pending_.emplace(work, pending);
}

void NcclCommunicator::queue(const Collective& op) {
  void* data = op.data.data;
  switch (op.kind) {
    case Collective::Kind::all_reduce:
      return D2L_NCCL(ncclAllReduce(data, data, static_cast<size_t>(op.data.elements()),
                                    nccl_type(op.data.dtype), ncclSum, comm_, stream_));
    case Collective::Kind::broadcast:
      return D2L_NCCL(ncclBroadcast(data, data, static_cast<size_t>(op.data.bytes()), ncclUint8,
                                    op.root, comm_, stream_));
    case Collective::Kind::all_gather:
      return D2L_NCCL(ncclAllGather(op.mine.data, data, static_cast<size_t>(op.mine.bytes()),
                                    ncclUint8, comm_, stream_));
    case Collective::Kind::reduce_scatter:
      return scatter(op.data);
    case Collective::Kind::gather_parts:
      return gather(op.data);
  }
}

// Equal parts in the order of ranks; the last rank also has the rest.
std::vector<Range> NcclCommunicator::parts(int64_t elements) const {
  const int64_t each = elements / size(), begin = rank() * each;
  const bool is_last = rank() + 1 == size();
  return {{begin, is_last ? elements : begin + each}};
}

void NcclCommunicator::scatter(const View& data) {
  const int64_t each = data.elements() / size(), rest = data.elements() % size();
  auto* begin = data.as<float>();
  if (each > 0)
    D2L_NCCL(ncclReduceScatter(begin, begin + rank() * each, static_cast<size_t>(each), ncclFloat32,
                               ncclSum, comm_, stream_));
  auto* end = begin + size() * each;
  if (rest > 0)
    D2L_NCCL(ncclReduce(end, end, static_cast<size_t>(rest), ncclFloat32, ncclSum, size() - 1,
                        comm_, stream_));
}

void NcclCommunicator::gather(const View& data) {
  const int64_t each = data.elements() / size(), rest = data.elements() % size();
  auto* begin = data.as<float>();
  if (each > 0)
    D2L_NCCL(ncclAllGather(begin + rank() * each, begin, static_cast<size_t>(each), ncclFloat32,
                           comm_, stream_));
  auto* end = begin + size() * each;
  if (rest > 0)
    D2L_NCCL(ncclBroadcast(end, end, static_cast<size_t>(rest), ncclFloat32, size() - 1, comm_,
                           stream_));
}

void NcclCommunicator::do_wait(Work work) {
  const auto found = pending_.find(work);
  const Pending pending = found->second;
  pending_.erase(found);
  if (pending.done == nullptr) return host_->wait(pending.host_work);
  lead_backend(pending.done);
  check_peers();
}

void NcclCommunicator::check_peers() {
  host_->check_peers();
  ncclResult_t state = ncclSuccess;
  D2L_NCCL(ncclCommGetAsyncError(comm_, &state));
  settle(state, "NCCL");
}

}  // namespace d2l::cuda

d2l::Communicator* d2l_nccl_communicator(std::unique_ptr<d2l::Communicator>* host,
                                         d2l::Backend& backend) {
  return new d2l::cuda::NcclCommunicator(std::move(*host),
                                         static_cast<d2l::cuda::CudaBackend&>(backend));
}
