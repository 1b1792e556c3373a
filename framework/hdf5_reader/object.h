#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "framework/hdf5_reader/bytes.h"

namespace d2l::hdf5 {

enum class MessageType : uint8_t {
  dataspace = 1,
  link_info = 2,
  datatype = 3,
  link = 6,
  external_files = 7,
  layout = 8,
  filters = 11,
  attribute = 12,
  continuation = 16,
  symbol_table = 17,
  attribute_info = 21,
};

struct Message {
  MessageType type;
  bool shared;  // its content is stored elsewhere
  std::vector<uint8_t> bytes;
};

// A group or a dataset: its object header.
class Object {
 public:
  Object(const Structures& file, uint64_t address);

  const std::vector<Message>& messages() const { return messages_; }
  // The message of a type that occurs at most once per object; nullptr if there is none. Throws
  // FormatError if it has an unsupported form.
  const Message* find(MessageType type) const;

 private:
  void add(std::span<const uint8_t> messages, bool ordered);

  std::vector<Message> messages_;
};

// One number of a compound element.
struct Member {
  std::string name{};
  uint64_t offset = 0;  // in the element
  size_t bytes = 0;
  bool is_signed = false;
};

struct ElementType {
  enum class Kind { integer, text, compound, other };
  Kind kind = Kind::other;
  size_t bytes = 0;
  bool is_signed = false;
  std::vector<Member> members{};  // of a compound, which has only integers
};

struct Dataspace {
  std::vector<uint64_t> sizes;  // empty: one value
  std::vector<uint64_t> most;   // the maximum of each size
};

ElementType parse_type(std::span<const uint8_t> bytes);
Dataspace parse_space(std::span<const uint8_t> bytes);
// The text up to the first zero byte.
std::string parse_text(std::span<const uint8_t> bytes);

// The attributes of an object. Only the names of unrequested attributes are examined.
class Attributes {
 public:
  Attributes(const Structures& file, const Object& object);

  // The single value of an attribute. Throws FormatError naming the attribute if it is missing or
  // of another kind.
  int64_t integer(const std::string& name) const;
  std::string text(const std::string& name) const;

 private:
  struct Attribute {
    std::string name;
    bool type_is_shared = false;  // its type is stored elsewhere
    std::vector<uint8_t> type, space, value;
  };

  static Attribute parse(std::span<const uint8_t> bytes);
  const Attribute& find(const std::string& name) const;

  std::vector<Attribute> all_;
};

struct Link {
  std::string name;
  std::optional<uint64_t> address;  // nothing: a soft or external link
};

std::vector<Link> read_links(const Structures& file, const Object& group);

}  // namespace d2l::hdf5
