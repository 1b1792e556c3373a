#include "data/sample.h"

#include "framework/base/error.h"

namespace d2l::data {

std::string to_string(Encoding encoding) {
  switch (encoding) {
    case Encoding::pixels:
      return "pixels";
    case Encoding::jpeg:
      return "jpeg";
    case Encoding::png:
      return "png";
    case Encoding::webp:
      return "webp";
    case Encoding::values:
      return "values";
  }
  fail("expected an encoding, found ", static_cast<int>(encoding));
}

}  // namespace d2l::data
