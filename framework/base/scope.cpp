#include "framework/base/scope.h"

namespace d2l {
namespace {

thread_local Scope scope_of_thread;

}  // namespace

const Scope& current_scope() { return scope_of_thread; }

ScopeGuard::ScopeGuard(const Scope& scope) : before_(scope_of_thread) { scope_of_thread = scope; }
ScopeGuard::~ScopeGuard() { scope_of_thread = before_; }

}  // namespace d2l
