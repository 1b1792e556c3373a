#include "framework/hdf5_reader/global_heap.h"

#include <algorithm>

namespace d2l::hdf5 {
namespace {

constexpr uint64_t kFront = 16;  // of a collection, and of an object in it

}  // namespace

std::string GlobalHeap::text(std::span<const uint8_t> reference, uint64_t most) {
  Cursor cursor(reference);
  const uint64_t bytes = cursor.number(4), address = cursor.address(), number = cursor.number(4);
  require(bytes <= most, "expected a text of at most ", most, " bytes, found ", bytes);
  if (bytes == 0) return "";
  if (address != opened_) open(address);
  const auto object = objects_.find(number);
  require_sound(object != objects_.end() && bytes <= object->second.size(),
                "a text that its heap lacks");
  const std::span<const uint8_t> text = object->second.first(bytes);
  return {text.begin(), text.end()};
}

void GlobalHeap::open(uint64_t address) {
  opened_ = kNoAddress;
  objects_.clear();
  const std::vector<uint8_t> front = file_.read(address, kFront);
  Cursor head(front);
  head.signature("GCOL");
  require_version(head.number(1), 1, 1, "a heap of texts");
  head.skip(3);
  const uint64_t bytes = head.number(8);
  require_sound(bytes >= kFront, "a heap of texts of ", bytes, " bytes");
  content_ = file_.read(address, bytes);
  Cursor cursor(content_);
  cursor.skip(kFront);
  while (cursor.left() >= kFront) {
    const uint64_t number = cursor.number(2);
    cursor.skip(6);  // how often it is used
    const uint64_t size = cursor.number(8);
    if (number == 0) break;  // the rest is free
    const std::span<const uint8_t> object = cursor.take(size);
    require_sound(objects_.emplace(number, object).second, "a heap with two texts ", number);
    cursor.skip(std::min<uint64_t>(cursor.left(), (8 - size % 8) % 8));
  }
  opened_ = address;
}

}  // namespace d2l::hdf5
