#include "framework/tensor/default_backend.h"

#include <algorithm>

#include "framework/base/affinity.h"

namespace d2l {
namespace {

thread_local Backend* in_use = nullptr;

// Never destroyed: tensors may live longer than their thread.
Backend& cpu_of_this_thread() {
  static thread_local Backend* const backend =
      make_cpu_backend(std::max(1, count_cores(cores_for_threads()))).release();
  return *backend;
}

}  // namespace

Backend& default_backend() { return in_use != nullptr ? *in_use : cpu_of_this_thread(); }

UseBackend::UseBackend(Backend& backend) : before_(in_use) { in_use = &backend; }
UseBackend::~UseBackend() { in_use = before_; }

}  // namespace d2l
