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
  enum class Form { old, plain, ordered };  // of the messages

  void read(const Structures& file, uint64_t address, std::span<const uint8_t> begin);
  void read_old(const Structures& file, uint64_t address);
  template <class ReadPiece>
  void follow(uint64_t bytes, Form form, const ReadPiece& read_piece);
  void add(std::span<const uint8_t> messages, Form form);

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
  // Numbers are little-endian; reals are those of IEEE 754, and bf16. A text has a fixed length, or
  // one that varies: see GlobalHeap.
  enum class Kind { integer, real, text, variable_text, compound, other };
  Kind kind = Kind::other;
  size_t bytes = 0;
  bool is_signed = false;
  int exponent_bits = 0;          // of a real
  std::vector<Member> members{};  // of a compound, which has only integers
};

struct Dataspace {
  std::vector<uint64_t> sizes;  // empty: one value
  std::vector<uint64_t> most;   // the maximum of each size
};

ElementType parse_type(std::span<const uint8_t> bytes);
Dataspace parse_space(std::span<const uint8_t> bytes);
// The addresses in an info message: of links or attributes that are not in the object's header.
struct Elsewhere {
  uint64_t heap, names;
};
// `order_bytes`: the size of the field with the creation order, which is left out in some messages.
Elsewhere parse_info(const Message& message, size_t order_bytes);
// The text up to the first zero byte.
std::string parse_text(std::span<const uint8_t> bytes);

struct Link {
  std::string name;
  std::optional<uint64_t> address;  // nothing: a soft or external link
};

std::vector<Link> read_links(const Structures& file, const Object& group);

}  // namespace d2l::hdf5
