#include "framework/comm/collective.h"

#include "framework/base/error.h"
#include "framework/base/text.h"

namespace d2l {

const char* Collective::name() const {
  switch (kind) {
    case Kind::all_reduce:
      return "all-reduce";
    case Kind::broadcast:
      return "broadcast";
    case Kind::all_gather:
      return "all-gather";
    case Kind::reduce_scatter:
      return "reduce-scatter";
    case Kind::gather_parts:
      return "gather-parts";
  }
  return "collective";
}

void Collective::check_arguments(int size) const {
  switch (kind) {
    case Kind::all_reduce:
      return check(data.dtype == DType::f32 || data.dtype == DType::f64 || data.dtype == DType::i64,
                   "all-reduce: expects f32, f64 or i64, found ", to_string(data.dtype));
    case Kind::reduce_scatter:
    case Kind::gather_parts:
      return check(data.dtype == DType::f32, name(), ": expects f32, found ",
                   to_string(data.dtype));
    case Kind::broadcast:
      return check(root >= 0 && root < size, "broadcast: expects a root below ", size, ", found ",
                   root);
    case Kind::all_gather:
      check(mine.dtype == data.dtype, "all-gather: expects one dtype, found ",
            to_string(mine.dtype), " and ", to_string(data.dtype));
      return check(data.elements() == mine.elements() * size, "all-gather: ", size, " ranks of ",
                   mine.elements(), " elements need room for ", mine.elements() * size, ", found ",
                   data.elements());
  }
}

std::string Collective::describe() const {
  const auto amount = [](const ConstView& view) {
    return concat(with_thousands(view.elements()), " ", to_string(view.dtype));
  };
  switch (kind) {
    case Kind::all_reduce:
    case Kind::reduce_scatter:
    case Kind::gather_parts:
      return concat(name(), " of ", amount(data));
    case Kind::broadcast:
      return concat("broadcast of ", amount(data), " from rank ", root);
    case Kind::all_gather:
      return concat("all-gather of ", amount(mine), " from each rank");
  }
  return {};
}

}  // namespace d2l
