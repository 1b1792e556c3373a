#pragma once

#include <csetjmp>

#include "framework/base/error.h"

namespace d2l::data {

// Exceptions for C libraries that report an error through a callback which must not return, such as
// libjpeg and libpng: the callback jumps back to run(), which throws. Used by one thread at a time.
class ErrorJump {
 public:
  // Calls `calls`. Throws Error if raise() is called meanwhile. `calls` must not have variables
  // with destructors while the library runs, because the jump skips them. run() calls do not nest.
  template <class Calls>
  void run(const Calls& calls) {
    run([](const void* context) { (*static_cast<const Calls*>(context))(); },
        static_cast<const void*>(&calls));
  }

  // For the callback: leaves run() with this message, which is cut to a few hundred characters.
  [[noreturn]] void raise(const char* message) noexcept;

 private:
  void run(void (*call)(const void*), const void* context);

  std::jmp_buf target_{};
  char message_[400] = {};
};

}  // namespace d2l::data
