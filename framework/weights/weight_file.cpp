#include "framework/weights/weight_file.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "framework/base/bfloat16.h"
#include "framework/base/error.h"
#include "framework/base/float16.h"

namespace d2l::weights {
namespace {

static_assert(std::endian::native == std::endian::little,
              "elements of files are copied without conversion");

struct TypeText {
  ElementType type;
  const char* name;
  size_t bytes;
};

constexpr TypeText kTypes[] = {{ElementType::f64, "f64", 8}, {ElementType::f32, "f32", 4},
                               {ElementType::f16, "f16", 2}, {ElementType::bf16, "bf16", 2},
                               {ElementType::i64, "i64", 8}, {ElementType::i32, "i32", 4},
                               {ElementType::i16, "i16", 2}, {ElementType::i8, "i8", 1},
                               {ElementType::u8, "u8", 1},   {ElementType::boolean, "boolean", 1}};

const TypeText& text_of(ElementType type) {
  for (const TypeText& known : kTypes)
    if (known.type == type) return known;
  fail("unknown element type ", static_cast<int>(type));
}

template <class Element>
void convert(const std::vector<uint8_t>& bytes, std::vector<float>& values) {
  for (size_t i = 0; i < values.size(); ++i) {
    Element element;
    std::memcpy(&element, bytes.data() + i * sizeof(Element), sizeof(Element));
    values[i] = static_cast<float>(element);
  }
}

// The cast alone would make infinity of large numbers.
void convert_doubles(const std::vector<uint8_t>& bytes, std::vector<float>& values) {
  for (size_t i = 0; i < values.size(); ++i) {
    double element;
    std::memcpy(&element, bytes.data() + i * sizeof(double), sizeof(double));
    values[i] = static_cast<float>(element);
    check(std::isfinite(values[i]) || !std::isfinite(element), "element ", i, " is ", element,
          ", which is too large for f32");
  }
}

std::vector<float> converted(const std::vector<uint8_t>& bytes, size_t elements, ElementType type) {
  std::vector<float> values(elements);
  switch (type) {
    case ElementType::f64:
      convert_doubles(bytes, values);
      break;
    case ElementType::f32:
      std::copy(bytes.begin(), bytes.end(), reinterpret_cast<uint8_t*>(values.data()));
      break;
    case ElementType::f16:
      convert<Float16>(bytes, values);
      break;
    case ElementType::bf16:
      convert<Bfloat16>(bytes, values);
      break;
    case ElementType::i64:
      convert<int64_t>(bytes, values);
      break;
    case ElementType::i32:
      convert<int32_t>(bytes, values);
      break;
    case ElementType::i16:
      convert<int16_t>(bytes, values);
      break;
    case ElementType::i8:
      convert<int8_t>(bytes, values);
      break;
    case ElementType::u8:
      convert<uint8_t>(bytes, values);
      break;
    case ElementType::boolean:
      std::transform(bytes.begin(), bytes.end(), values.begin(),
                     [](uint8_t byte) { return byte != 0 ? 1.0f : 0.0f; });
      break;
  }
  return values;
}

}  // namespace

std::string to_string(ElementType type) { return text_of(type).name; }

size_t size_of(ElementType type) { return text_of(type).bytes; }

void WeightFile::add(WeightInfo info) {
  constexpr int64_t kMostElements = int64_t{1} << 40;
  int64_t elements = 1;
  for (const int64_t size : info.shape) {
    check(size <= kMostElements / elements, path_.string(), ": array '", info.name,
          "' has the shape ", info.shape, ", expected at most 2^40 elements");
    elements *= std::max<int64_t>(size, 1);
  }
  check(names_.insert(info.name).second, path_.string(), ": array '", info.name,
        "' is there twice");
  weights_.push_back(std::move(info));
}

std::vector<float> WeightFile::read(size_t index) const {
  check(index < weights_.size(), path_.string(), ": has ", weights_.size(),
        " arrays, none with the index ", index);
  const WeightInfo& info = weights_[index];
  const auto elements = static_cast<size_t>(info.shape.elements());
  std::string reason;
  try {
    const std::vector<uint8_t> bytes = read_bytes(index);
    check(bytes.size() == elements * size_of(info.type), "expected ", elements * size_of(info.type),
          " bytes, found ", bytes.size());
    return converted(bytes, elements, info.type);
  } catch (const Error& error) {
    reason = error.what();
  }
  const std::string path = path_.string();
  fail(path, ": cannot read array '", info.name,
       "': ", reason.starts_with(path + ": ") ? reason.substr(path.size() + 2) : reason);
}

}  // namespace d2l::weights
