#include "framework/hdf5_reader/object.h"

#include <algorithm>
#include <utility>

#include "framework/hdf5_reader/heap.h"

namespace d2l::hdf5 {
namespace {

constexpr size_t kMostMessages = 4096;
constexpr size_t kMostHeaderBytes = size_t{1} << 20;
constexpr size_t kMostPieces = 64;
constexpr size_t kMostTextBytes = size_t{1} << 16;

Link parse_link(std::span<const uint8_t> bytes) {
  Cursor cursor(bytes);
  require_version(cursor.number(1), 1, 1, "a link");
  const uint64_t flags = cursor.number(1);
  const bool hard = (flags & 8) == 0 || cursor.number(1) == 0;
  if (flags & 4) cursor.skip(8);   // creation order
  if (flags & 16) cursor.skip(1);  // ASCII or UTF-8
  const uint64_t length = cursor.number(size_t{1} << (flags & 3));
  Link link;
  link.name = parse_text(cursor.take(length));
  if (hard) link.address = cursor.address();
  return link;
}

// Reads one integer type, and whether it is little-endian and uses all bits.
bool parse_integer(Cursor& cursor, ElementType& type) {
  const uint64_t head = cursor.number(1), flags = cursor.number(3);
  type.bytes = cursor.number(4);
  if ((head & 15) != 0 || (flags & 1) != 0) return false;
  if (cursor.number(2) != 0 || cursor.number(2) != type.bytes * 8) return false;
  type.is_signed = flags & 8;
  return true;
}

// The members of a compound type of `bytes` bytes; none if one of them is not an integer.
std::vector<Member> parse_members(Cursor cursor, uint64_t count, uint64_t bytes) {
  size_t width = 1;  // of an offset
  for (uint64_t rest = bytes >> 8; rest > 0; rest >>= 8) ++width;
  std::vector<Member> members;
  for (uint64_t i = 0; i < count; ++i) {
    Member member;
    for (uint64_t letter = cursor.number(1); letter != 0; letter = cursor.number(1))
      member.name += static_cast<char>(letter);
    member.offset = cursor.number(width);
    ElementType type;
    if (!parse_integer(cursor, type)) return {};
    member.bytes = type.bytes;
    member.is_signed = type.is_signed;
    members.push_back(std::move(member));
  }
  return members;
}

// Addresses in an info message: of links or attributes that are not in the header.
struct Elsewhere {
  uint64_t heap, names;
};

Elsewhere parse_info(const Message& message, size_t order_bytes) {
  Cursor cursor(message.bytes);
  require_version(cursor.number(1), 0, 0, "an object's index");
  if (cursor.number(1) & 1) cursor.skip(order_bytes);
  const uint64_t heap = cursor.address();
  return {heap, cursor.address()};
}

}  // namespace

Object::Object(const Structures& file, uint64_t address) {
  // The header's size is in the header: read before the checksum is verified, and covered by it.
  const uint64_t front_bytes = 34;
  require_sound(address < file.end(), "an object beyond the end of the file");
  const std::vector<uint8_t> begin =
      file.read(address, std::min(front_bytes, file.end() - address));
  // Version 1 has no signature.
  require_version(begin.front() == 1 ? 1 : 2, 2, 2, "an object header");
  Cursor front(begin);
  front.signature("OHDR");
  require_version(front.number(1), 2, 2, "an object header");
  const uint64_t flags = front.number(1);
  front.skip((flags & 32 ? 16 : 0) + (flags & 16 ? 4 : 0));  // times, limits
  size_t bytes = front.number(size_t{1} << (flags & 3));
  require_sound(bytes <= kMostHeaderBytes, "an object header of ", bytes, " bytes");
  const std::vector<uint8_t> header =
      file.checked(address, begin.size() - front.left() + bytes + 4, "OHDR");
  const bool ordered = flags & 4;
  add(std::span(header).last(bytes), ordered);

  size_t pieces = 1;
  for (size_t i = 0; i < messages_.size(); ++i) {  // a continuation may contain another
    if (messages_[i].type != MessageType::continuation) continue;
    Cursor place(messages_[i].bytes);
    const uint64_t at = place.address(), size = place.number(8);
    require_sound(++pieces <= kMostPieces && size <= kMostHeaderBytes - bytes,
                  "an object header of more than ", kMostHeaderBytes, " bytes");
    bytes += size;
    add(file.checked(at, size, "OCHK"), ordered);
  }
}

void Object::add(std::span<const uint8_t> messages, bool ordered) {
  Cursor cursor(messages);
  const size_t front = ordered ? 6 : 4;
  while (cursor.left() >= front) {  // a shorter rest is a gap
    const auto type = static_cast<MessageType>(cursor.number(1));
    const size_t size = cursor.number(2);
    const uint64_t flags = cursor.number(1);
    if (ordered) cursor.skip(2);
    const std::span<const uint8_t> bytes = cursor.take(size);
    require_sound(messages_.size() < kMostMessages, "an object header of too many messages");
    messages_.push_back({type, (flags & 2) != 0, {bytes.begin(), bytes.end()}});
  }
}

const Message* Object::find(MessageType type) const {
  auto found = std::find_if(messages_.begin(), messages_.end(),
                            [&](const Message& message) { return message.type == type; });
  if (found == messages_.end()) return nullptr;
  require(!found->shared, "its type or dataspace is shared, stored elsewhere in the file");
  return &*found;
}

ElementType parse_type(std::span<const uint8_t> bytes) {
  Cursor cursor(bytes);
  const uint64_t head = cursor.number(1), flags = cursor.number(3), size = cursor.number(4);
  require_version(head >> 4, 1, 5, "an element type");
  require_sound(size > 0, "an element type of no bytes");
  ElementType type;
  type.bytes = size;
  const uint64_t kind = head & 15;
  if (kind == 3) type.kind = ElementType::Kind::text;
  if (Cursor whole(bytes); kind == 0 && parse_integer(whole, type))
    type.kind = ElementType::Kind::integer;
  if (kind == 6) {
    require_version(head >> 4, 3, 5, "a compound type");
    type.members = parse_members(cursor, flags & 0xffff, size);
    if (!type.members.empty()) type.kind = ElementType::Kind::compound;
  }
  return type;
}

Dataspace parse_space(std::span<const uint8_t> bytes) {
  Cursor cursor(bytes);
  require_version(cursor.number(1), 2, 2, "a dataspace");
  const uint64_t rank = cursor.number(1), flags = cursor.number(1), kind = cursor.number(1);
  require(kind <= 1 && rank <= 32 && (kind == 1 || rank == 0), "expected one value or an array");
  Dataspace space;
  for (uint64_t axis = 0; axis < rank; ++axis) space.sizes.push_back(cursor.number(8));
  space.most = space.sizes;
  if (flags & 1)
    for (uint64_t& most : space.most) most = cursor.number(8);
  return space;
}

std::string parse_text(std::span<const uint8_t> bytes) {
  const std::string text(bytes.begin(), bytes.end());
  return text.substr(0, text.find('\0'));
}

Attributes::Attributes(const Structures& file, const Object& object) {
  for (const Message& message : object.messages())
    if (message.type == MessageType::attribute) {
      require(!message.shared, "an attribute is shared, stored elsewhere in the file");
      all_.push_back(parse(message.bytes));
    }
  const Message* info = object.find(MessageType::attribute_info);
  if (info == nullptr) return;
  const Elsewhere elsewhere = parse_info(*info, 2);
  if (elsewhere.heap == kNoAddress) return;
  Heap heap(file, elsewhere.heap);
  for (const std::vector<uint8_t>& record :
       read_records(file, elsewhere.names, RecordType::attribute_name)) {
    Cursor cursor(record);
    const std::span<const uint8_t> id = cursor.take(heap.id_bytes());
    require((cursor.number(1) & 2) == 0, "an attribute is shared, stored elsewhere in the file");
    all_.push_back(parse(heap.object(id)));
  }
}

Attributes::Attribute Attributes::parse(std::span<const uint8_t> bytes) {
  Cursor cursor(bytes);
  require_version(cursor.number(1), 3, 3, "an attribute");
  Attribute attribute;
  attribute.type_is_shared = cursor.number(1) != 0;
  const size_t name = cursor.number(2), type = cursor.number(2), space = cursor.number(2);
  cursor.skip(1);  // ASCII or UTF-8
  auto copy = [&](size_t count) {
    const std::span<const uint8_t> taken = cursor.take(count);
    return std::vector<uint8_t>(taken.begin(), taken.end());
  };
  attribute.name = parse_text(cursor.take(name));
  attribute.type = copy(type);
  attribute.space = copy(space);
  attribute.value = copy(cursor.left());
  return attribute;
}

const Attributes::Attribute& Attributes::find(const std::string& name) const {
  auto found = std::find_if(all_.begin(), all_.end(),
                            [&](const Attribute& attribute) { return attribute.name == name; });
  require(found != all_.end(), "it is missing");
  require(!found->type_is_shared, "its type is shared, stored elsewhere in the file");
  const Dataspace space = parse_space(found->space);
  require(std::all_of(space.sizes.begin(), space.sizes.end(), [](uint64_t s) { return s == 1; }),
          "expected one value");
  return *found;
}

int64_t Attributes::integer(const std::string& name) const {
  return in_place("attribute '" + name + "': ", [&] {
    const Attribute& attribute = find(name);
    const ElementType type = parse_type(attribute.type);
    require(type.kind == ElementType::Kind::integer && type.bytes <= 8,
            "expected a whole number, little-endian");
    const uint64_t value = Cursor(attribute.value).number(type.bytes);
    const size_t unused = 64 - 8 * type.bytes;
    if (type.is_signed) return static_cast<int64_t>(value << unused) >> unused;
    require(value <= uint64_t{INT64_MAX}, "expected a number below 2^63, found ", value);
    return static_cast<int64_t>(value);
  });
}

std::string Attributes::text(const std::string& name) const {
  return in_place("attribute '" + name + "': ", [&] {
    const Attribute& attribute = find(name);
    const ElementType type = parse_type(attribute.type);
    require(type.kind == ElementType::Kind::text, "expected text of fixed length");
    require(type.bytes <= kMostTextBytes, "expected at most ", kMostTextBytes, " bytes, found ",
            type.bytes);
    return parse_text(Cursor(attribute.value).take(type.bytes));
  });
}

std::vector<Link> read_links(const Structures& file, const Object& group) {
  require(group.find(MessageType::symbol_table) == nullptr,
          "the root group has the format of HDF5 1.6");
  std::vector<Link> links;
  for (const Message& message : group.messages())
    if (message.type == MessageType::link) links.push_back(parse_link(message.bytes));
  const Message* info = group.find(MessageType::link_info);
  if (info == nullptr) return links;
  const Elsewhere elsewhere = parse_info(*info, 8);
  if (elsewhere.heap == kNoAddress) return links;
  Heap heap(file, elsewhere.heap);
  for (const std::vector<uint8_t>& record :
       read_records(file, elsewhere.names, RecordType::link_name)) {
    Cursor cursor(record);
    cursor.skip(4);  // the name's hash
    links.push_back(parse_link(heap.object(cursor.take(heap.id_bytes()))));
  }
  return links;
}

}  // namespace d2l::hdf5
