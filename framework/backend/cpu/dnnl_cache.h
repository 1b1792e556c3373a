#pragma once

#include <array>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "framework/backend/backend.h"
#include "framework/backend/cpu/dnnl_version.h"
#include "framework/backend/cpu/parallel.h"
#include "framework/backend/params.h"
#include "framework/backend/scratch.h"
#include "framework/base/dtype.h"
#include "framework/base/shape.h"

namespace d2l::cpu {

enum class DnnlOp : int64_t {
  matmul,
  convolution,
  convolution_backward_input,
  convolution_backward_weight
};

// The key of a cached primitive, as plain numbers: the operation, its parameters, its shapes and
// the number of threads.
class PrimitiveKey {
 public:
  explicit PrimitiveKey(DnnlOp op);
  PrimitiveKey& add(int64_t value);
  PrimitiveKey& add(const Shape& shape);
  bool operator==(const PrimitiveKey& other) const;
  size_t hash() const { return static_cast<size_t>(hash_); }

 private:
  static constexpr int kMost = 24;
  std::array<int64_t, kMost> values_;
  int count_ = 0;
  uint64_t hash_ = 0x9e3779b97f4a7c15u;
};

struct PrimitiveKeyHash {
  size_t operator()(const PrimitiveKey& key) const { return key.hash(); }
};

// The caller's memory for a primitive's arguments, in the order of input() and output() calls.
using Pointers = std::array<const void*, 4>;

// A primitive with its memory objects. If the primitive wants another layout for an argument than
// the caller has, run() reorders the argument before or after.
class CachedPrimitive {
 public:
  CachedPrimitive(const dnnl::engine& engine, const dnnl::primitive& primitive,
                  const dnnl_version::Md& scratchpad);

  void input(int index, const dnnl_version::Md& outside, const dnnl_version::Md& inside);
  void output(int index, const dnnl_version::Md& outside, const dnnl_version::Md& inside);

  void run(dnnl::stream& stream, MemoryPool& pool, const Pointers& pointers);

  // For a primitive that was made for one thread: runs it on the calling thread, with a workspace
  // of this size. Several threads may call it at the same time.
  void run_alone(dnnl::stream& stream, char* workspace, const Pointers& pointers) const;
  size_t workspace_bytes() const { return workspace_bytes_; }

 private:
  struct Argument {
    int index = 0;
    dnnl::memory outside, inside;
    dnnl::reorder reorder;
    bool reordered = false;
    bool is_input = false;
    size_t offset = 0;  // of the reordered copy in the workspace
  };
  void add(int index, const dnnl_version::Md& outside, const dnnl_version::Md& inside,
           bool is_input);

  dnnl::engine engine_;
  dnnl::primitive primitive_;
  dnnl::memory scratchpad_;
  size_t workspace_bytes_ = 0;  // the scratchpad comes first
  std::vector<Argument> arguments_;
  std::unordered_map<int, dnnl::memory> map_;
};

struct DnnlState {
  DnnlState(MemoryPool& memory, CpuSums kind)
      : pool(memory), sums(kind), engine(dnnl::engine::kind::cpu, 0), stream(engine) {}

  // Whether primitives are made for one thread and compute pieces of an operation.
  bool computes_pieces() const { return sums == CpuSums::same_on_any_threads; }

  // Returns the primitive of `key`. If it is not cached yet, make() creates it (as a unique_ptr).
  template <class Make>
  CachedPrimitive& find(const PrimitiveKey& key, const Make& make) {
    auto found = primitives.find(key);
    if (found == primitives.end()) {
      std::optional<TeamOfOne> alone;
      if (computes_pieces()) alone.emplace();
      found = primitives.emplace(key, make()).first;
    }
    return *found->second;
  }

  MemoryPool& pool;
  CpuSums sums;
  dnnl::engine engine;
  dnnl::stream stream;
  std::unordered_map<PrimitiveKey, std::unique_ptr<CachedPrimitive>, PrimitiveKeyHash> primitives;
};

// oneDNN's data type for f32 and bf16.
inline dnnl::memory::data_type dnnl_type(DType dtype) {
  return dtype == DType::bf16 ? dnnl::memory::data_type::bf16 : dnnl::memory::data_type::f32;
}

// attributes() with the activation as a post-op.
dnnl::primitive_attr attributes_with(Activation activation);

}  // namespace d2l::cpu
