#pragma once

#include <memory>
#include <string>

#include "framework/backend/memory_pool.h"

namespace d2l::cpu {

struct DnnlState;

// Owns oneDNN's engine and stream and the primitives made so far; each is made when its shapes are
// first seen and kept. Scratch memory comes from `pool`, which must outlive this object.
class DnnlEngine {
 public:
  explicit DnnlEngine(MemoryPool& pool);
  ~DnnlEngine();

  std::string describe() const;  // "oneDNN 2.6.3"
  DnnlState& state() { return *state_; }

 private:
  std::unique_ptr<DnnlState> state_;
};

}  // namespace d2l::cpu
