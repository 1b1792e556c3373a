#include "framework/backend/cpu/cpu_backend.h"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>

#include "framework/backend/bf16_products.h"
#include "framework/backend/cpu/lanes.h"
#include "framework/backend/cpu/parallel.h"
#include "framework/base/text.h"

namespace d2l::cpu {
namespace {

constexpr size_t kCacheLine = 64;
constexpr size_t kHugePage = size_t{2} << 20;

void* allocate_host(size_t bytes) {
  // Large blocks use huge pages: streaming through them then causes fewer TLB misses.
  size_t alignment = bytes >= 2 * kHugePage ? kHugePage : kCacheLine;
  size_t rounded = (bytes + alignment - 1) / alignment * alignment;
  void* block = rounded >= bytes ? std::aligned_alloc(alignment, rounded) : nullptr;
  check(block != nullptr, "out of memory: the host has no ", human_bytes(bytes), " more");
  if (alignment == kHugePage) madvise(block, rounded, MADV_HUGEPAGE);
  return block;
}

}  // namespace

CpuBackend::CpuBackend(int threads, MemoryPool* memory, CpuSums sums)
    : own_pool_({allocate_host, std::free}),
      pool_(memory != nullptr ? *memory : own_pool_),
      dnnl_(pool_, sums) {
  set_team(threads);
}

CpuBackend::CpuBackend(MemoryPool& memory)
    : own_pool_({allocate_host, std::free}), pool_(memory), dnnl_(pool_, CpuSums::fast) {
  make_dry();
}

std::string CpuBackend::describe() const {
  return concat("CPU, ", has_wide_vectors() ? "AVX-512, " : "", dnnl_.describe());
}

bool CpuBackend::computes(DType dtype) const { return dtype == DType::f32 || dtype == DType::bf16; }

std::string CpuBackend::describe_products(DType activations) const {
  return activations == DType::bf16 ? describe_bf16_products() : std::string();
}

void CpuBackend::copy_from_host(const void* host, View out) {
  if (out.bytes() > 0) std::memcpy(out.data, host, static_cast<size_t>(out.bytes()));
}

void CpuBackend::copy_to_host(ConstView in, void* host) {
  if (in.bytes() > 0) std::memcpy(host, in.data, static_cast<size_t>(in.bytes()));
}

}  // namespace d2l::cpu

namespace d2l {

std::unique_ptr<Backend> make_cpu_backend(int threads, MemoryPool* memory, CpuSums sums) {
  return std::make_unique<cpu::CpuBackend>(threads, memory, sums);
}

}  // namespace d2l
