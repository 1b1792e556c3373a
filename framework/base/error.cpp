#include "framework/base/error.h"

#include "framework/base/text.h"

namespace d2l {

Error::Error(const std::string& message) : std::runtime_error(visible(message)) {}

}  // namespace d2l
