#pragma once

#include <memory>
#include <string>

#include "framework/backend/backend.h"
#include "framework/backend/memory_pool.h"

namespace d2l::cpu {

struct DnnlState;

// Owns oneDNN's engine and stream and a cache of primitives: each is created when its shapes are
// seen for the first time. Scratch memory comes from `pool`, which must outlive this object.
class DnnlEngine {
 public:
  DnnlEngine(MemoryPool& pool, CpuSums sums);
  ~DnnlEngine();

  // "oneDNN 2.6.3", with environment variables that change it: "oneDNN 2.6.3 with
  // DNNL_MAX_CPU_ISA=AVX2"
  std::string describe() const;
  DnnlState& state() { return *state_; }

 private:
  std::unique_ptr<DnnlState> state_;
};

}  // namespace d2l::cpu
