#pragma once

#include <chrono>
#include <functional>
#include <thread>

#include "framework/base/timer.h"

namespace d2l::test {

// Waits until the condition holds; false if it does not within `seconds`.
inline bool happens(const std::function<bool()>& condition, double seconds) {
  const Timer timer;
  while (!condition()) {
    if (timer.seconds() > seconds) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace d2l::test
