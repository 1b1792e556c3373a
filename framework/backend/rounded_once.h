#pragma once

#include "framework/backend/backend.h"

namespace d2l {

// While the object lives, the backend may round weights to the activations' type once, instead of
// for each product that uses them; see Backend::round_once. f32: nothing is rounded.
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
