#include "framework/weights/pickle.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "framework/base/error.h"
#include "framework/weights/pickle_reader.h"

namespace d2l::weights {

double PickleValue::real() const { return std::bit_cast<double>(payload); }

std::string to_string(PickleValue::Kind kind) {
  using Kind = PickleValue::Kind;
  switch (kind) {
    case Kind::none:
      return "None";
    case Kind::boolean:
      return "a boolean";
    case Kind::integer:
    case Kind::big_integer:
      return "an integer";
    case Kind::real:
      return "a floating-point number";
    case Kind::text:
      return "a string";
    case Kind::bytes:
      return "bytes";
    case Kind::list:
      return "a list";
    case Kind::tuple:
      return "a tuple";
    case Kind::dictionary:
      return "a dictionary";
    case Kind::storage:
      return "a storage";
    case Kind::tensor:
      return "a tensor";
    case Kind::type:
      return "an element type";
    case Kind::function:
      return "a function or class";
    case Kind::object:
      return "an object of a class that is not read";
  }
  return "";
}

Pickle::Pickle(std::string label, uint64_t most, const Read& read) {
  PickleReader(std::move(label), most, read, *this).run();
}

std::string_view Pickle::content(const PickleValue& value) const {
  return {reinterpret_cast<const char*>(loaded_.data()) + value.payload, value.size};
}

const std::vector<PickleValue>& Pickle::items(const PickleValue& container) const {
  return containers_[static_cast<size_t>(container.payload)];
}

const PickledTensor& Pickle::tensor(const PickleValue& value) const {
  return tensors_[static_cast<size_t>(value.payload)];
}

}  // namespace d2l::weights
