#pragma once

#include "framework/base/error.h"

namespace d2l::launcher {

template <class... Parts>
[[noreturn]] void usage(const Parts&... parts) {
  throw UsageError(concat(parts...));
}

}  // namespace d2l::launcher
