#include "framework/comm/sum.h"

#include "framework/base/error.h"

namespace d2l {

namespace {

template <class T>
void add_all(void* into, const void* first, const void* second, int64_t count) {
  T* result = static_cast<T*>(into);
  const T* a = static_cast<const T*>(first);
  const T* b = static_cast<const T*>(second);
  for (int64_t i = 0; i < count; ++i) result[i] = a[i] + b[i];
}

}  // namespace

void add_elements(DType dtype, void* into, const void* first, const void* second, int64_t count) {
  switch (dtype) {
    case DType::f32:
      return add_all<float>(into, first, second, count);
    case DType::f64:
      return add_all<double>(into, first, second, count);
    case DType::i64:
      return add_all<uint64_t>(into, first, second, count);  // unsigned may wrap
    default:
      fail("sum: expects f32, f64 or i64, found ", to_string(dtype));
  }
}

}  // namespace d2l
