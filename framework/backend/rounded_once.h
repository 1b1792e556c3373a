#pragma once

#include "framework/backend/backend.h"

namespace d2l {

// While one lives, a backend need not round weights to the activations' type for each product that
// they are part of; see Backend::round_once. f32: nothing is rounded.
class RoundedOnce {
 public:
  RoundedOnce(Backend& backend, ConstView values, DType dtype) : backend_(backend) {
    if (dtype != DType::f32) backend_.round_once(values, dtype);
  }
  ~RoundedOnce() { backend_.round_once({}, DType::f32); }
  RoundedOnce(const RoundedOnce&) = delete;
  RoundedOnce& operator=(const RoundedOnce&) = delete;

 private:
  Backend& backend_;
};

}  // namespace d2l
