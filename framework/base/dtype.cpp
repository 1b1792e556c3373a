#include "framework/base/dtype.h"

#include <array>

#include "framework/base/error.h"

namespace d2l {
namespace {

struct DTypeInfo {
  DType dtype;
  const char* name;
  size_t bytes;
};

constexpr std::array<DTypeInfo, 7> kDTypes = {{{DType::f32, "f32", 4},
                                               {DType::f64, "f64", 8},
                                               {DType::i32, "i32", 4},
                                               {DType::i64, "i64", 8},
                                               {DType::u8, "u8", 1},
                                               {DType::bf16, "bf16", 2},
                                               {DType::f16, "f16", 2}}};

const DTypeInfo& info(DType dtype) {
  for (const DTypeInfo& entry : kDTypes)
    if (entry.dtype == dtype) return entry;
  fail("unknown dtype number ", static_cast<int>(dtype));
}

}  // namespace

size_t size_of(DType dtype) { return info(dtype).bytes; }

std::string to_string(DType dtype) { return info(dtype).name; }

DType dtype_from(const std::string& text) {
  for (const DTypeInfo& entry : kDTypes)
    if (text == entry.name) return entry.dtype;
  fail("unknown dtype '", text, "', expected f32, f64, i32, i64, u8, bf16 or f16");
}

}  // namespace d2l
