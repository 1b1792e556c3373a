#include "framework/hdf5_reader/attributes.h"

#include <algorithm>

#include "framework/hdf5_reader/global_heap.h"
#include "framework/hdf5_reader/heap.h"

namespace d2l::hdf5 {
namespace {

constexpr size_t kMostTextBytes = size_t{1} << 16;
constexpr uint64_t kMostListedText = 4096;

}  // namespace

Attributes::Attributes(const Structures& file, const Object& object) : file_(&file) {
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

Attributes::Attribute Attributes::parse(std::span<const uint8_t> bytes) const {
  Cursor cursor(bytes);
  const uint64_t version = cursor.number(1);
  require_version(version, file_->is_old() ? 1 : 3, 3, "an attribute");
  Attribute attribute;
  attribute.type_is_shared = cursor.number(1) != 0;
  const size_t name = cursor.number(2), type = cursor.number(2), space = cursor.number(2);
  if (version == 3) cursor.skip(1);  // ASCII or UTF-8
  // In version 1, each part is filled up to a multiple of 8 bytes.
  const auto take = [&](size_t count) {
    const std::span<const uint8_t> taken = cursor.take(count);
    if (version == 1) cursor.skip((8 - count % 8) % 8);
    return taken;
  };
  const auto copy = [&](size_t count) {
    const std::span<const uint8_t> taken = take(count);
    return std::vector<uint8_t>(taken.begin(), taken.end());
  };
  attribute.name = parse_text(take(name));
  attribute.type = copy(type);
  attribute.space = copy(space);
  const std::span<const uint8_t> value = cursor.take(cursor.left());
  attribute.value.assign(value.begin(), value.end());
  return attribute;
}

const Attributes::Attribute& Attributes::find(const std::string& name) const {
  auto found = std::find_if(all_.begin(), all_.end(),
                            [&](const Attribute& attribute) { return attribute.name == name; });
  require(found != all_.end(), "it is missing");
  require(!found->type_is_shared, "its type is shared, stored elsewhere in the file");
  return *found;
}

const Attributes::Attribute& Attributes::find_single(const std::string& name) const {
  const Attribute& attribute = find(name);
  const Dataspace space = parse_space(attribute.space);
  require(std::all_of(space.sizes.begin(), space.sizes.end(), [](uint64_t s) { return s == 1; }),
          "expected one value");
  return attribute;
}

bool Attributes::has(const std::string& name) const {
  return std::any_of(all_.begin(), all_.end(),
                     [&](const Attribute& attribute) { return attribute.name == name; });
}

int64_t Attributes::integer(const std::string& name) const {
  return in_place("attribute '" + name + "': ", [&] {
    const Attribute& attribute = find_single(name);
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
    const Attribute& attribute = find_single(name);
    const ElementType type = parse_type(attribute.type);
    require(type.kind == ElementType::Kind::text, "expected text of fixed length");
    require(type.bytes <= kMostTextBytes, "expected at most ", kMostTextBytes, " bytes, found ",
            type.bytes);
    return parse_text(Cursor(attribute.value).take(type.bytes));
  });
}

std::vector<std::string> Attributes::texts(const std::string& name) const {
  return in_place("attribute '" + name + "': ", [&] {
    const Attribute& attribute = find(name);
    const ElementType type = parse_type(attribute.type);
    uint64_t left = attribute.value.size() / type.bytes, count = 1;
    for (const uint64_t size : parse_space(attribute.space).sizes) {
      require_sound(size <= left, "an attribute with fewer values than its shape says");
      left = size > 0 ? left / size : left;
      count *= size;
    }
    std::vector<std::string> texts;
    if (count == 0) return texts;
    require(type.kind == ElementType::Kind::text || type.kind == ElementType::Kind::variable_text,
            "expected texts");
    GlobalHeap heap(*file_);
    for (Cursor cursor(attribute.value); texts.size() < count;) {
      const std::span<const uint8_t> value = cursor.take(type.bytes);
      texts.push_back(type.kind == ElementType::Kind::text ? parse_text(value)
                                                           : heap.text(value, kMostListedText));
    }
    return texts;
  });
}

}  // namespace d2l::hdf5
