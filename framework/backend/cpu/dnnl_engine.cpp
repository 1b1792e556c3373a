#include "framework/backend/cpu/dnnl_engine.h"

#include <algorithm>
#include <cstdlib>

#include "framework/backend/cpu/dnnl_cache.h"
#include "framework/backend/cpu/parallel.h"
#include "framework/base/error.h"

namespace d2l::cpu {
namespace {

size_t aligned(size_t bytes) { return (bytes + 63) / 64 * 64; }

// Environment variables that make oneDNN choose other kernels, which round differently.
std::string environment() {
  std::string text;
  for (const char* name :
       {"ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "ONEDNN_CPU_ISA_HINTS", "DNNL_CPU_ISA_HINTS"})
    if (const char* value = std::getenv(name))
      text += concat(text.empty() ? "" : ", ", name, "=", value);
  return text.empty() ? "" : " with " + text;
}

}  // namespace

DnnlEngine::DnnlEngine(MemoryPool& pool, CpuSums sums)
    : state_(std::make_unique<DnnlState>(pool, sums)) {
  // Precision is an option of d2l; ignore DNNL_DEFAULT_FPMATH_MODE.
  dnnl::set_default_fpmath_mode(dnnl::fpmath_mode::strict);
}
DnnlEngine::~DnnlEngine() = default;

std::string DnnlEngine::describe() const {
  const dnnl::version_t* version = dnnl::version();
  return concat("oneDNN ", version->major, ".", version->minor, ".", version->patch, environment());
}

PrimitiveKey::PrimitiveKey(DnnlOp op) {
  add(static_cast<int64_t>(op));
  add(team_size());  // oneDNN splits the work when a primitive is created
}

PrimitiveKey& PrimitiveKey::add(int64_t value) {
  check(count_ < kMost, "oneDNN cache: a key of more than ", int{kMost}, " numbers");
  values_[count_++] = value;
  hash_ = (hash_ ^ static_cast<uint64_t>(value)) * 0x9fb21c651e98df25u;
  hash_ ^= hash_ >> 29;
  return *this;
}

PrimitiveKey& PrimitiveKey::add(const Shape& shape) {
  add(shape.rank());
  for (int64_t size : shape) add(size);
  return *this;
}

bool PrimitiveKey::operator==(const PrimitiveKey& other) const {
  return count_ == other.count_ &&
         std::equal(values_.begin(), values_.begin() + count_, other.values_.begin());
}

CachedPrimitive::CachedPrimitive(const dnnl::engine& engine, const dnnl::primitive& primitive,
                                 const dnnl_version::Md& scratchpad)
    : engine_(engine), primitive_(primitive), scratchpad_(scratchpad, engine, nullptr) {
  workspace_bytes_ = aligned(scratchpad.get_size());
  map_.emplace(DNNL_ARG_SCRATCHPAD, scratchpad_);
}

void CachedPrimitive::input(int index, const dnnl_version::Md& outside,
                            const dnnl_version::Md& inside) {
  add(index, outside, inside, true);
}

void CachedPrimitive::output(int index, const dnnl_version::Md& outside,
                             const dnnl_version::Md& inside) {
  add(index, outside, inside, false);
}

void CachedPrimitive::add(int index, const dnnl_version::Md& outside,
                          const dnnl_version::Md& inside, bool is_input) {
  Argument argument{.index = index,
                    .outside = dnnl::memory(outside, engine_, nullptr),
                    .inside = {},
                    .reorder = {},
                    .reordered = outside != inside,
                    .is_input = is_input};
  if (argument.reordered) {
    argument.inside = dnnl::memory(inside, engine_, nullptr);
    argument.reorder = is_input ? dnnl::reorder(argument.outside, argument.inside)
                                : dnnl::reorder(argument.inside, argument.outside);
    argument.offset = workspace_bytes_;
    workspace_bytes_ += aligned(inside.get_size());
  } else {
    argument.inside = argument.outside;
  }
  map_.emplace(index, argument.inside);
  arguments_.push_back(std::move(argument));
}

void CachedPrimitive::run(dnnl::stream& stream, MemoryPool& pool, const Pointers& pointers) {
  Scratch<char> workspace(pool, static_cast<int64_t>(workspace_bytes_));
  scratchpad_.set_data_handle(workspace.data());
  auto pointer = pointers.begin();
  for (Argument& argument : arguments_) {
    // oneDNN has one memory type for inputs and outputs
    argument.outside.set_data_handle(const_cast<void*>(*pointer++));
    if (!argument.reordered) continue;
    argument.inside.set_data_handle(workspace.data() + argument.offset);
    if (argument.is_input) argument.reorder.execute(stream, argument.outside, argument.inside);
  }
  primitive_.execute(stream, map_);
  for (Argument& argument : arguments_)
    if (argument.reordered && !argument.is_input)
      argument.reorder.execute(stream, argument.inside, argument.outside);
}

void CachedPrimitive::run_alone(dnnl::stream& stream, char* workspace,
                                const Pointers& pointers) const {
  std::unordered_map<int, dnnl::memory> map;
  map.emplace(DNNL_ARG_SCRATCHPAD, dnnl::memory(scratchpad_.get_desc(), engine_, workspace));
  std::vector<dnnl::memory> outside;
  for (size_t i = 0; i < arguments_.size(); ++i) {
    const Argument& argument = arguments_[i];
    // oneDNN has one memory type for inputs and outputs
    auto* data = const_cast<void*>(pointers[i]);
    outside.emplace_back(argument.outside.get_desc(), engine_, data);
    if (!argument.reordered) {
      map.emplace(argument.index, outside.back());
      continue;
    }
    dnnl::memory inside(argument.inside.get_desc(), engine_, workspace + argument.offset);
    if (argument.is_input) argument.reorder.execute(stream, outside.back(), inside);
    map.emplace(argument.index, inside);
  }
  primitive_.execute(stream, map);
  for (size_t i = 0; i < arguments_.size(); ++i) {
    const Argument& argument = arguments_[i];
    if (argument.reordered && !argument.is_input)
      argument.reorder.execute(stream, map.at(argument.index), outside[i]);
  }
}

dnnl::primitive_attr attributes_with(Activation activation) {
  dnnl::primitive_attr attr = dnnl_version::attributes();
  if (activation == Activation::none) return attr;
  dnnl::post_ops ops;
  switch (activation) {
    case Activation::relu:
      dnnl_version::append_activation(ops, dnnl::algorithm::eltwise_relu);
      break;
    case Activation::sigmoid:
      dnnl_version::append_activation(ops, dnnl::algorithm::eltwise_logistic);
      break;
    case Activation::tanh:
      dnnl_version::append_activation(ops, dnnl::algorithm::eltwise_tanh);
      break;
    case Activation::none:
      break;
  }
  attr.set_post_ops(ops);
  return attr;
}

}  // namespace d2l::cpu
