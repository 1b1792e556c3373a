#pragma once

#include "framework/base/error.h"

namespace d2l::data {

// This process stopped because another one has failed.
class StoppedError : public Error {
 public:
  StoppedError() : Error("stopped, because another process failed") {}
};

}  // namespace d2l::data
