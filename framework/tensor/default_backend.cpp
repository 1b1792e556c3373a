#include "framework/tensor/default_backend.h"

#include <algorithm>
#include <cstdlib>

#include "framework/base/affinity.h"

namespace d2l {
namespace {

thread_local Backend* in_use = nullptr;

// As other programs understand OMP_NUM_THREADS: at most so many.
int threads() {
  const int cores = std::max(1, count_cores(cores_for_threads()));
  const char* wanted = std::getenv("OMP_NUM_THREADS");
  const int most = wanted != nullptr ? std::atoi(wanted) : 0;
  return most > 0 ? std::min(most, cores) : cores;
}

// Never destroyed: tensors may live longer than their thread.
Backend& cpu_of_this_thread() {
  static thread_local Backend* backend = make_cpu_backend(threads()).release();
  return *backend;
}

}  // namespace

Backend& default_backend() { return in_use != nullptr ? *in_use : cpu_of_this_thread(); }

UseBackend::UseBackend(Backend& backend) : before_(in_use) { in_use = &backend; }
UseBackend::~UseBackend() { in_use = before_; }

}  // namespace d2l
