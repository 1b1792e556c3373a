#include "framework/weights/safetensors_header.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <unordered_set>
#include <utility>

#include "framework/base/error.h"

namespace d2l::weights {
namespace {

using nlohmann::json;

constexpr std::pair<std::string_view, ElementType> kTypes[] = {
    {"F64", ElementType::f64},     {"F32", ElementType::f32}, {"F16", ElementType::f16},
    {"BF16", ElementType::bf16},   {"I64", ElementType::i64}, {"I32", ElementType::i32},
    {"I16", ElementType::i16},     {"I8", ElementType::i8},   {"U8", ElementType::u8},
    {"BOOL", ElementType::boolean}};

std::string shortened(const std::string& text) {
  constexpr size_t kMost = 40;
  return text.size() > kMost ? text.substr(0, kMost) + "..." : text;
}

// Receives the parts of the header one after the other. Anything that has no place in the format
// is refused where it begins, so that nothing can be nested deeply.
class HeaderParser final : public nlohmann::json_sax<json> {
 public:
  explicit HeaderParser(std::string path) : path_(std::move(path)) {}

  SafetensorsHeader take() { return std::move(header_); }

  bool start_object(size_t /*elements*/) override {
    if (place_ == Place::outside) {
      place_ = Place::root;
      return true;
    }
    if (place_ != Place::root) refuse("an object");
    place_ = name_ == "__metadata__" ? Place::metadata : Place::array;
    array_ = {};
    array_.info.name = name_;
    keys_.clear();
    return true;
  }

  bool key(std::string& key) override {
    constexpr size_t kMostLetters = 4096;  // so that messages stay readable
    check(key.size() <= kMostLetters, path_, ": found a name of ", key.size(),
          " bytes in the header, expected at most ", kMostLetters);
    if (place_ == Place::root) {
      check(names_.insert(key).second, path_, ": the name '", key, "' is twice in the header");
      name_ = key;
      return true;
    }
    key_ = key;
    check(keys_.insert(key).second, path_, ": the key '", key, "' is twice in ", place());
    if (place_ == Place::array)
      check(key == "dtype" || key == "shape" || key == "data_offsets", path_, ": found the key '",
            key, "' in ", place(), ", expected dtype, shape and data_offsets");
    return true;
  }

  bool end_object() override {
    if (place_ == Place::array) end_array_description();
    place_ = place_ == Place::root ? Place::outside : Place::root;
    return true;
  }

  bool start_array(size_t /*elements*/) override {
    if (place_ != Place::array || key_ == "dtype") refuse("a list");
    place_ = Place::list;
    numbers_.clear();
    return true;
  }

  bool end_array() override {
    place_ = Place::array;
    if (key_ == "data_offsets") {
      check(numbers_.size() == 2, path_, ": found ", numbers_.size(), " data_offsets in ", place(),
            ", expected 2");
      array_.begin = numbers_[0];
      array_.end = numbers_[1];
      return true;
    }
    for (const uint64_t size : numbers_) array_.info.shape.append(static_cast<int64_t>(size));
    return true;
  }

  bool number_unsigned(number_unsigned_t number) override {
    if (place_ != Place::list) refuse("a number");
    const bool is_shape = key_ == "shape";
    check(!is_shape || numbers_.size() < Shape::kMaxRank, path_, ": found more than ",
          int{Shape::kMaxRank}, " axes in ", place());
    check(is_shape || numbers_.size() < 2, path_, ": found more than 2 data_offsets in ", place());
    check(!is_shape || number <= uint64_t{1} << 40, path_, ": found an axis of size ", number,
          " in ", place(), ", expected at most 2^40");
    numbers_.push_back(number);
    return true;
  }

  bool string(std::string& text) override {
    if (place_ == Place::metadata) {
      header_.metadata[key_] = text;
      return true;
    }
    if (place_ != Place::array || key_ != "dtype")
      refuse(concat("the text '", shortened(text), "'"));
    const auto* const known = std::find_if(std::begin(kTypes), std::end(kTypes),
                                           [&](const auto& type) { return type.first == text; });
    if (known == std::end(kTypes)) {
      std::string expected;
      for (const auto& type : kTypes)
        expected.append(expected.empty() ? "" : ", ").append(type.first);
      fail(path_, ": array '", name_, "' has elements of type ", shortened(text),
           ", expected one of ", expected);
    }
    array_.info.type = known->second;
    return true;
  }

  bool null() override { refuse("null"); }
  bool boolean(bool value) override { refuse(value ? "true" : "false"); }
  bool number_integer(number_integer_t number) override { refuse(concat("the number ", number)); }
  bool number_float(number_float_t /*number*/, const string_t& text) override {
    refuse(concat("the number ", text));
  }
  bool binary(binary_t& /*bytes*/) override { refuse("bytes"); }
  bool parse_error(size_t position, const std::string& /*token*/,
                   const nlohmann::detail::exception& /*error*/) override {
    fail(path_, ": the header is not valid JSON: error at its byte ", position);
  }

 private:
  enum class Place { outside, root, metadata, array, list };

  std::string place() const {
    return name_ == "__metadata__" ? name_ : concat("the description of array '", name_, "'");
  }

  [[noreturn]] void refuse(const std::string& found) const {
    const char* expected = place_ == Place::metadata ? "texts only"
                           : place_ == Place::list   ? "whole numbers that are not negative"
                           : place_ != Place::array  ? "an object"
                           : key_ == "dtype"         ? "a text"
                                                     : "a list";
    const bool has_key = place_ == Place::array || place_ == Place::list;
    const std::string where = has_key ? concat("the ", key_, " of array '", name_, "'") : place();
    fail(path_, ": found ", found, place_ == Place::metadata ? " in " : " as ", where,
         ", expected ", expected);
  }

  void end_array_description() {
    for (const char* needed : {"dtype", "shape", "data_offsets"})
      check(keys_.count(needed) == 1, path_, ": ", place(), " has no ", needed);
    header_.arrays.push_back(array_);
  }

  std::string path_;
  SafetensorsHeader header_;
  Place place_ = Place::outside;
  std::unordered_set<std::string> names_;
  std::set<std::string> keys_;  // of the object within the header
  std::string name_, key_;      // the last ones
  SafetensorsHeader::Array array_;
  std::vector<uint64_t> numbers_;
};

}  // namespace

SafetensorsHeader parse_safetensors_header(std::string_view json_text, const std::string& path) {
  check(json_text.starts_with("{"), path,
        ": the header of a safetensors file begins with '{', found ",
        json_text.empty() ? "none" : concat("'", json_text.substr(0, 1), "'"));
  HeaderParser parser(path);
  json::sax_parse(json_text.begin(), json_text.end(), &parser);
  return parser.take();
}

}  // namespace d2l::weights
