#pragma once

#include "framework/backend/backend.h"

namespace d2l {

// The backend of functions that are called without one: that of the innermost UseBackend or, if
// there is none, a CPU backend, which is made by the first call. It has a thread for each core that
// this process may use, at most OMP_NUM_THREADS. Every thread has its own.
Backend& default_backend();

// While it lives, `backend` is this thread's default.
class UseBackend {
 public:
  explicit UseBackend(Backend& backend);
  ~UseBackend();
  UseBackend(const UseBackend&) = delete;
  UseBackend& operator=(const UseBackend&) = delete;

 private:
  Backend* before_;
};

}  // namespace d2l
