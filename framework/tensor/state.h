#pragma once

#include <cstdint>
#include <string>

#include "framework/tensor/tensor.h"

namespace d2l {

// Visits the parts of an object's state. The object has one function visit(StateVisitor&) for both
// saving and restoring: a saving visitor reads each part, a restoring visitor overwrites it. Names
// are paths: "parameters/conv1.weight", "optimizer/velocity/conv1.weight", "progress/step".
class StateVisitor {
 public:
  virtual ~StateVisitor() = default;
  virtual void tensor(const std::string& name, Tensor& value) = 0;
  virtual void integer(const std::string& name, int64_t& value) = 0;
  // Saved only if it is not 0; 0 if it was not saved.
  virtual void optional_integer(const std::string& name, int64_t& value) = 0;
  virtual void real(const std::string& name, double& value) = 0;
};

}  // namespace d2l
