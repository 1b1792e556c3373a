#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "framework/hdf5_reader/object.h"

namespace d2l::hdf5 {

// The attributes of an object. Only the names of unrequested attributes are examined.
class Attributes {
 public:
  Attributes(const Structures& file, const Object& object);

  // The single value of an attribute. Throws FormatError naming the attribute if it is missing or
  // of another kind.
  bool has(const std::string& name) const;
  int64_t integer(const std::string& name) const;
  std::string text(const std::string& name) const;
  // An array of texts, of fixed or variable length, or an empty array.
  std::vector<std::string> texts(const std::string& name) const;

 private:
  struct Attribute {
    std::string name;
    bool type_is_shared = false;  // its type is stored elsewhere
    std::vector<uint8_t> type, space, value;
  };

  Attribute parse(std::span<const uint8_t> bytes) const;
  const Attribute& find(const std::string& name) const;
  const Attribute& find_single(const std::string& name) const;

  const Structures* file_;
  std::vector<Attribute> all_;
};

}  // namespace d2l::hdf5
