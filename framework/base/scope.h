#pragma once

#include <string>

namespace d2l {

// What the calling thread is computing for. The profiler charges the work to it.
struct Scope {
  // The path of the module whose function runs. It lives as long as the autograd history that is
  // recorded in this scope. nullptr: no module, such as a loss or an optimizer.
  const std::string* path = nullptr;
  bool backward = false;  // the backward pass
};

const Scope& current_scope();

// Sets the calling thread's scope to `scope` while the object lives.
class ScopeGuard {
 public:
  explicit ScopeGuard(const Scope& scope);
  ~ScopeGuard();
  ScopeGuard(const ScopeGuard&) = delete;
  ScopeGuard& operator=(const ScopeGuard&) = delete;

 private:
  Scope before_;
};

}  // namespace d2l
