#pragma once

#include <string>

namespace d2l {

// What the calling thread computes for; a backend that measures charges its work to it.
struct Scope {
  // Of the module whose function runs; it lives as long as the history that is made in its scope.
  // nullptr: no module, such as a loss or an optimizer.
  const std::string* path = nullptr;
  bool backward = false;  // gradients pass back through it
};

const Scope& current_scope();

// While one lives, the calling thread computes for `scope`.
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
