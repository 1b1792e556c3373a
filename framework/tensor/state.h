#pragma once

#include <cstdint>
#include <string>

#include "framework/tensor/tensor.h"

namespace d2l {

// What has state shows it, piece by piece, in one function visit(StateVisitor&) that serves both
// saving and restoring: a saving visitor reads each piece, a restoring one overwrites it. Names are
// paths: "parameters/conv1.weight", "optimizer/velocity/conv1.weight", "progress/step".
class StateVisitor {
 public:
  virtual ~StateVisitor() = default;
  virtual void tensor(const std::string& name, Tensor& value) = 0;
  virtual void integer(const std::string& name, int64_t& value) = 0;
  virtual void real(const std::string& name, double& value) = 0;
};

}  // namespace d2l
