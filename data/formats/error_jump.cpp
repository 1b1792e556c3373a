#include "data/formats/error_jump.h"

#include <cstdio>

namespace d2l::data {

void ErrorJump::raise(const char* message) noexcept {
  std::snprintf(message_, sizeof message_, "%s", message);
  std::longjmp(target_, 1);
}

void ErrorJump::run(void (*call)(const void*), const void* context) {
  if (setjmp(target_) != 0) throw Error(message_);
  call(context);
}

}  // namespace d2l::data
