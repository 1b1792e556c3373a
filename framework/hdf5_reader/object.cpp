#include "framework/hdf5_reader/object.h"

#include <algorithm>
#include <utility>

#include "framework/hdf5_reader/global_heap.h"
#include "framework/hdf5_reader/heap.h"
#include "framework/hdf5_reader/old_group.h"

namespace d2l::hdf5 {
namespace {

constexpr size_t kMostMessages = 4096;
constexpr size_t kMostHeaderBytes = size_t{1} << 20;
constexpr size_t kMostPieces = 64;

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

// `cursor` is behind the size of a real type. Other formats, such as big-endian ones, stay unknown.
void parse_real(Cursor cursor, uint64_t flags, ElementType& type) {
  struct Format {
    size_t bytes, exponent_bits;
  };
  constexpr Format kFormats[] = {{2, 5}, {2, 8}, {4, 8}, {8, 11}};
  const uint64_t offset = cursor.number(2), bits = cursor.number(2);
  const uint64_t exponent_at = cursor.number(1), exponent_bits = cursor.number(1);
  const uint64_t mantissa_at = cursor.number(1), mantissa_bits = cursor.number(1);
  const uint64_t bias = cursor.number(4);
  for (const Format& format : kFormats) {
    const uint64_t mantissa = 8 * format.bytes - 1 - format.exponent_bits;
    // The sign is the highest bit, and the mantissa's leading one is not stored.
    const uint64_t wanted_flags = (8 * format.bytes - 1) << 8 | 0x20;
    if (type.bytes == format.bytes && flags == wanted_flags && offset == 0 &&
        bits == 8 * format.bytes && exponent_at == mantissa &&
        exponent_bits == format.exponent_bits && mantissa_at == 0 && mantissa_bits == mantissa &&
        bias == (uint64_t{1} << (format.exponent_bits - 1)) - 1) {
      type.kind = ElementType::Kind::real;
      type.exponent_bits = static_cast<int>(exponent_bits);
    }
  }
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

}  // namespace

Object::Object(const Structures& file, uint64_t address) {
  // The header's size is in the header: read before the checksum is verified, and covered by it.
  const uint64_t front_bytes = 34;
  require_sound(address < file.end(), "an object beyond the end of the file");
  const std::vector<uint8_t> begin =
      file.read(address, std::min(front_bytes, file.end() - address));
  // Version 1 has no signature.
  if (begin.front() == 1 && file.is_old()) {
    read_old(file, address);
    return;
  }
  require_version(begin.front() == 1 ? 1 : 2, 2, 2, "an object header");
  read(file, address, begin);
}

void Object::read(const Structures& file, uint64_t address, std::span<const uint8_t> begin) {
  Cursor front(begin);
  front.signature("OHDR");
  require_version(front.number(1), 2, 2, "an object header");
  const uint64_t flags = front.number(1);
  front.skip((flags & 32 ? 16 : 0) + (flags & 16 ? 4 : 0));  // times, limits
  const size_t bytes = front.number(size_t{1} << (flags & 3));
  require_sound(bytes <= kMostHeaderBytes, "an object header of ", bytes, " bytes");
  const std::vector<uint8_t> header =
      file.checked(address, begin.size() - front.left() + bytes + 4, "OHDR");
  const Form form = flags & 4 ? Form::ordered : Form::plain;
  add(std::span(header).last(bytes), form);
  follow(bytes, form, [&](uint64_t at, uint64_t size) { return file.checked(at, size, "OCHK"); });
}

void Object::read_old(const Structures& file, uint64_t address) {
  constexpr uint64_t kFrontBytes = 16;
  const std::vector<uint8_t> begin = file.read(address, kFrontBytes);
  Cursor front(begin);
  front.skip(8);  // the version, the numbers of messages and of links to the object
  const uint64_t bytes = front.number(4);
  require_sound(bytes <= kMostHeaderBytes, "an object header of ", bytes, " bytes");
  add(file.read(address + kFrontBytes, bytes), Form::old);
  follow(bytes, Form::old, [&](uint64_t at, uint64_t size) { return file.read(at, size); });
}

// Reads the continuations of a header of `bytes` bytes.
template <class ReadPiece>
void Object::follow(uint64_t bytes, Form form, const ReadPiece& read_piece) {
  size_t pieces = 1;
  for (size_t i = 0; i < messages_.size(); ++i) {  // a continuation may contain another
    if (messages_[i].type != MessageType::continuation) continue;
    Cursor place(messages_[i].bytes);
    const uint64_t at = place.address(), size = place.number(8);
    require_sound(++pieces <= kMostPieces && size <= kMostHeaderBytes - bytes,
                  "an object header of more than ", kMostHeaderBytes, " bytes");
    bytes += size;
    add(read_piece(at, size), form);
  }
}

void Object::add(std::span<const uint8_t> messages, Form form) {
  Cursor cursor(messages);
  const size_t front = form == Form::old ? 8 : form == Form::ordered ? 6 : 4;
  while (cursor.left() >= front) {  // a shorter rest is a gap
    const uint64_t type = cursor.number(form == Form::old ? 2 : 1);
    require_sound(type <= 255, "a message of type ", type);
    const size_t size = cursor.number(2);
    const uint64_t flags = cursor.number(1);
    cursor.skip(form == Form::old ? 3 : form == Form::ordered ? 2 : 0);
    const std::span<const uint8_t> bytes = cursor.take(size);
    require_sound(messages_.size() < kMostMessages, "an object header of too many messages");
    messages_.push_back(
        {static_cast<MessageType>(type), (flags & 2) != 0, {bytes.begin(), bytes.end()}});
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
  if (kind == 1) parse_real(cursor, flags, type);
  if (kind == 3) type.kind = ElementType::Kind::text;
  constexpr uint64_t kText = 1;  // other values of variable length are arrays
  if (kind == 9 && (flags & 15) == kText && size == GlobalHeap::kReferenceBytes)
    type.kind = ElementType::Kind::variable_text;
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
  const uint64_t version = cursor.number(1);
  require_version(version, 1, 2, "a dataspace");
  const uint64_t rank = cursor.number(1), flags = cursor.number(1);
  const uint64_t kind = version == 2 ? cursor.number(1) : rank > 0 ? 1 : 0;
  if (version == 1) cursor.skip(5);
  require(kind <= 1 && rank <= 32 && (kind == 1 || rank == 0), "expected one value or an array");
  Dataspace space;
  for (uint64_t axis = 0; axis < rank; ++axis) space.sizes.push_back(cursor.number(8));
  space.most = space.sizes;
  if (flags & 1)
    for (uint64_t& most : space.most) most = cursor.number(8);
  return space;
}

Elsewhere parse_info(const Message& message, size_t order_bytes) {
  Cursor cursor(message.bytes);
  require_version(cursor.number(1), 0, 0, "an object's index");
  if (cursor.number(1) & 1) cursor.skip(order_bytes);
  const uint64_t heap = cursor.address();
  return {heap, cursor.address()};
}

std::string parse_text(std::span<const uint8_t> bytes) {
  const std::string text(bytes.begin(), bytes.end());
  return text.substr(0, text.find('\0'));
}

std::vector<Link> read_links(const Structures& file, const Object& group) {
  if (const Message* table = group.find(MessageType::symbol_table)) {
    require(file.is_old(), "the root group has the format of HDF5 1.6");
    return read_symbol_table(file, *table);
  }
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
