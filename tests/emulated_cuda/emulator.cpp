#include <cuda_runtime.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

// Threads of a block are fibers of the calling thread: each runs until it must wait for others.

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;

namespace d2l::emulated {
namespace {

constexpr size_t kStack = size_t{64} << 10;

[[noreturn]] void give_up(const char* why) {
  std::fprintf(stderr, "emulated CUDA: %s, in thread %u of block %u\n", why, threadIdx.x,
               blockIdx.x);
  std::abort();
}

struct Barrier {
  int arrived = 0;
  uint64_t round = 0;
};

struct Warp {
  Barrier barrier;
  uint64_t values[32];
};

struct Fiber {
  ucontext_t start;
  jmp_buf here;
  std::unique_ptr<char[]> stack{new char[kStack]};
  bool has_started = false;  // a thread of some block has started; later ones continue from its end
  bool begun = false, done = false;
  uint3 thread{};
};

// Only one block runs at a time, whichever host thread launches it.
class Block {
 public:
  void run(const dim3& size, const std::function<void()>& body) {
    const size_t threads = size_t{size.x} * size.y * size.z;
    while (fibers_.size() < threads) fibers_.push_back(std::make_unique<Fiber>());
    warps_.assign((threads + 31) / 32, {});
    block_ = {};
    alive_ = static_cast<int>(threads);
    body_ = &body;
    for (size_t i = 0; i < threads; ++i) {
      Fiber& fiber = *fibers_[i];
      fiber.begun = fiber.done = false;
      fiber.thread = {static_cast<unsigned>(i % size.x), static_cast<unsigned>(i / size.x % size.y),
                      static_cast<unsigned>(i / size.x / size.y)};
    }
    while (alive_ > 0) {
      moved_ = false;
      for (size_t i = 0; i < threads; ++i)
        if (!fibers_[i]->done) resume(i);
      if (!moved_ && alive_ > 0) give_up("threads wait for each other for ever");
    }
  }

  void sync_block() {
    wait_at(block_, [this] { return alive_; });
  }

  uint64_t exchange(unsigned mask, uint64_t mine, unsigned source) {
    Warp& warp = warps_[current_ / 32];
    const unsigned lane = static_cast<unsigned>(current_ % 32);
    if ((mask >> lane & 1) == 0) give_up("a lane calls with a mask that leaves it out");
    const int lanes = __builtin_popcount(mask);
    warp.values[lane] = mine;
    wait_at(warp.barrier, [&] { return lanes; });
    const uint64_t answer = warp.values[source % 32];
    wait_at(warp.barrier, [&] { return lanes; });
    return answer;
  }

  // The main function of a fiber: runs one thread after the other.
  static void begin() {
    Block& block = instance();
    for (;;) {
      (*block.body_)();
      Fiber& fiber = *block.fibers_[block.current_];
      fiber.done = true;
      --block.alive_;
      block.moved_ = true;
      if (_setjmp(fiber.here) == 0) _longjmp(block.scheduler_, 1);
    }
  }

  static Block& instance() {
    static Block* block = new Block;
    return *block;
  }

 private:
  void resume(size_t i) {
    current_ = i;
    Fiber& fiber = *fibers_[i];
    threadIdx = fiber.thread;
    if (_setjmp(scheduler_) != 0) return;
    if (!fiber.begun) moved_ = true;
    fiber.begun = true;
    if (fiber.has_started) _longjmp(fiber.here, 1);
    fiber.has_started = true;
    getcontext(&fiber.start);
    fiber.start.uc_stack.ss_sp = fiber.stack.get();
    fiber.start.uc_stack.ss_size = kStack;
    fiber.start.uc_link = nullptr;
    makecontext(&fiber.start, &Block::begin, 0);
    setcontext(&fiber.start);
  }

  template <class Wanted>
  void wait_at(Barrier& barrier, const Wanted& wanted) {
    const uint64_t round = barrier.round;
    ++barrier.arrived;
    while (barrier.round == round) {
      // Does not wait for threads that have ended.
      if (barrier.arrived >= wanted()) {
        barrier.arrived = 0;
        ++barrier.round;
        moved_ = true;
        return;
      }
      if (_setjmp(fibers_[current_]->here) == 0) _longjmp(scheduler_, 1);
    }
    moved_ = true;
  }

  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::vector<Warp> warps_;
  Barrier block_;
  const std::function<void()>* body_ = nullptr;
  jmp_buf scheduler_;
  size_t current_ = 0;
  int alive_ = 0;
  bool moved_ = false;
};

// The device's memory: pages that cannot be accessed while no kernel or copy runs.
class Memory {
 public:
  static Memory& instance() {
    static Memory* memory = new Memory;  // never freed: backends may live until the program ends
    return *memory;
  }

  void* allocate(size_t bytes) {
    std::lock_guard lock(mutex_);
    const size_t page = bytes < kHugePage ? kPage : kHugePage;
    const size_t pages = (bytes + page - 1) / page * page;
    void* block = map(pages, page);
    if (block == nullptr) return nullptr;
    std::memset(block, 0xff, pages);  // NaN, so that reads before the first write are visible
    blocks_[block] = pages;
    if (users_ == 0) mprotect(block, pages, PROT_NONE);
    return block;
  }

  void release(void* block) {
    std::lock_guard lock(mutex_);
    const auto found = blocks_.find(block);
    if (found == blocks_.end()) give_up("cudaFree of what cudaMalloc did not give");
    munmap(block, found->second);
    blocks_.erase(found);
  }

  void change_users(int by) {
    std::lock_guard lock(mutex_);
    const bool was_open = users_ > 0;
    users_ += by;
    if (was_open == (users_ > 0)) return;
    for (const auto& [block, bytes] : blocks_)
      mprotect(block, bytes, users_ > 0 ? PROT_READ | PROT_WRITE : PROT_NONE);
  }

 private:
  static constexpr size_t kPage = 4096, kHugePage = size_t{2} << 20;

  // Uses huge pages if available: opening and closing takes time per page.
  static void* map(size_t bytes, size_t alignment) {
    void* mapped = mmap(nullptr, bytes + alignment, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) return nullptr;
    const auto address = reinterpret_cast<uintptr_t>(mapped);
    const size_t before = (alignment - address % alignment) % alignment;
    char* block = static_cast<char*>(mapped) + before;
    if (before > 0) munmap(mapped, before);
    munmap(block + bytes, alignment - before);
    if (alignment == kHugePage) madvise(block, bytes, MADV_HUGEPAGE);
    return block;
  }

  std::mutex mutex_;
  std::map<void*, size_t> blocks_;
  int users_ = 0;
};

}  // namespace

void sync_block() { Block::instance().sync_block(); }

uint64_t exchange(unsigned mask, uint64_t mine, unsigned source) {
  return Block::instance().exchange(mask, mine, source);
}

void run_grid(const dim3& grid, const dim3& block, const std::function<void()>& thread) {
  static std::mutex one_at_a_time;
  std::lock_guard lock(one_at_a_time);
  Access access;
  const size_t threads = size_t{block.x} * block.y * block.z;
  if (threads == 0 || threads > 1024) give_up("a block has 1 to 1024 threads");
  if (grid.y > 65535 || grid.z > 65535) give_up("a grid has at most 65535 blocks along y and z");
  blockDim = block;
  gridDim = grid;
  for (unsigned z = 0; z < grid.z; ++z)
    for (unsigned y = 0; y < grid.y; ++y)
      for (unsigned x = 0; x < grid.x; ++x) {
        blockIdx = {x, y, z};
        Block::instance().run(block, thread);
      }
}

Access::Access() { Memory::instance().change_users(1); }
Access::~Access() { Memory::instance().change_users(-1); }

}  // namespace d2l::emulated

struct EmulatedGraph {
  std::vector<std::function<void()>> works;
};

namespace d2l::emulated {
namespace {

std::unique_ptr<EmulatedGraph> capture;  // the running one

}  // namespace

void submit(std::function<void()> work) {
  if (capture != nullptr)
    capture->works.push_back(std::move(work));
  else
    work();
}

}  // namespace d2l::emulated

using d2l::emulated::Access;
using d2l::emulated::Memory;

const char* cudaGetErrorString(cudaError_t error) {
  return error == cudaErrorMemoryAllocation ? "out of memory" : "an error of the emulated device";
}
cudaError_t cudaGetDeviceCount(int* count) {
  *count = 1;
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int device) { return device == 0 ? cudaSuccess : cudaErrorInvalidValue; }
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr, int) {
  *value = 1;  // few blocks, so that grid-stride loops make several iterations
  return cudaSuccess;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  std::strcpy(properties->name, "emulated on the CPU");
  return cudaSuccess;
}
cudaError_t cudaDeviceGetPCIBusId(char* text, int size, int) {
  std::snprintf(text, static_cast<size_t>(size), "emulated");
  return cudaSuccess;
}
cudaError_t cudaMalloc(void** block, size_t bytes) {
  *block = Memory::instance().allocate(bytes);
  return *block == nullptr ? cudaErrorMemoryAllocation : cudaSuccess;
}
cudaError_t cudaFree(void* block) {
  if (block != nullptr) Memory::instance().release(block);
  return cudaSuccess;
}
cudaError_t cudaMallocHost(void** block, size_t bytes) {
  *block = std::malloc(bytes);
  return *block == nullptr ? cudaErrorMemoryAllocation : cudaSuccess;
}
cudaError_t cudaFreeHost(void* block) {
  std::free(block);
  return cudaSuccess;
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind,
                            cudaStream_t) {
  d2l::emulated::submit([=] {
    Access access;
    std::memcpy(to, from, bytes);
  });
  return cudaSuccess;
}
cudaError_t cudaMemsetAsync(void* to, int value, size_t bytes, cudaStream_t) {
  d2l::emulated::submit([=] {
    Access access;
    std::memset(to, value, bytes);
  });
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t) {
  return d2l::emulated::capture == nullptr ? cudaSuccess : cudaErrorStreamCaptureUnsupported;
}
cudaError_t cudaStreamBeginCapture(cudaStream_t, cudaStreamCaptureMode) {
  if (d2l::emulated::capture != nullptr) return cudaErrorStreamCaptureUnsupported;
  d2l::emulated::capture = std::make_unique<EmulatedGraph>();
  return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t, cudaGraph_t* graph) {
  *graph = d2l::emulated::capture.release();
  return *graph == nullptr ? cudaErrorInvalidValue : cudaSuccess;
}
cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t*, size_t* count) {
  *count = graph->works.size();
  return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* program, cudaGraph_t graph, unsigned long long) {
  *program = new EmulatedGraph(*graph);
  return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t program, cudaStream_t) {
  if (d2l::emulated::capture != nullptr) return cudaErrorStreamCaptureUnsupported;
  for (const auto& work : program->works) work();
  return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t program) {
  delete program;
  return cudaSuccess;
}
