#include "framework/weights/pickle_reader.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace d2l::weights {
namespace {

constexpr uint64_t kMostBytes = uint64_t{64} << 20;
constexpr size_t kMostOpcodes = size_t{1} << 24;
constexpr size_t kMostObjects = size_t{1} << 22;
constexpr size_t kMostLine = 1000;
constexpr uint64_t kFirstLoad = 64 << 10;

constexpr bool is_uninitialized(const PickleValue& value) {
  return value.kind == PickleValue::Kind::none && value.size == 1;
}
constexpr PickleValue kUninitialized{.size = 1};

}  // namespace

PickleReader::PickleReader(std::string label, uint64_t most, const Pickle::Read& read,
                           Pickle& pickle)
    : label_(std::move(label)), most_(most), read_(read), pickle_(pickle) {}

void PickleReader::run() {
  check(most_ >= 2, label_, ": expected a pickle, found ", most_, " bytes");
  load(2);
  check(pickle_.loaded_[0] == static_cast<uint8_t>(Opcode::protocol), label_,
        ": expected a pickle of protocol 2 to 5, which begins with PROTO, found ",
        opcode_name(pickle_.loaded_[0]));
  while (step()) {
  }
  pickle_.used_ = at_;
}

// Makes the next bytes available.
void PickleReader::load(uint64_t bytes) {
  auto& loaded = pickle_.loaded_;
  const uint64_t left = most_ - at_;
  if (bytes > left) refuse(" needs ", bytes, " more bytes, found ", left);
  if (at_ + bytes <= loaded.size()) return;
  expect(at_ + bytes <= kMostBytes, ": a pickle has at most ", kMostBytes, " bytes, found more");
  const uint64_t old = loaded.size();
  const uint64_t wanted = std::max({at_ + bytes, kFirstLoad, 2 * old});
  loaded.resize(std::min({wanted, most_, kMostBytes}));
  read_(old, std::span(loaded).subspan(old));
}

uint64_t PickleReader::skip(uint64_t bytes) {
  load(bytes);
  return std::exchange(at_, at_ + bytes);
}

uint64_t PickleReader::number(int bytes) {
  const uint64_t begin = skip(static_cast<uint64_t>(bytes));
  uint64_t value = 0;
  for (int i = bytes - 1; i >= 0; --i)
    value = value << 8 | pickle_.loaded_[begin + static_cast<uint64_t>(i)];
  return value;
}

int64_t PickleReader::signed_number(uint64_t bytes) {
  if (bytes == 0) return 0;
  const uint64_t unused = 64 - 8 * bytes;
  return static_cast<int64_t>(number(static_cast<int>(bytes)) << unused) >> unused;
}

double PickleReader::big_endian_real() {
  const uint64_t begin = skip(8);
  uint64_t bits = 0;
  for (uint64_t i = 0; i < 8; ++i) bits = bits << 8 | pickle_.loaded_[begin + i];
  return std::bit_cast<double>(bits);
}

std::string PickleReader::line() {
  std::string text;
  for (;;) {
    const char next = static_cast<char>(pickle_.loaded_[skip(1)]);
    if (next == '\n') return text;
    text += next;
    expect(text.size() <= kMostLine, ": expected a name of at most ", kMostLine, " bytes");
  }
}

void PickleReader::push_content(Kind kind, uint64_t bytes) {
  const uint64_t begin = skip(bytes);
  push({kind, static_cast<uint32_t>(bytes), static_cast<int64_t>(begin)});
}

void PickleReader::count_object() {
  expect(++objects_ <= kMostObjects, ": a pickle has at most ", kMostObjects,
         " containers and tensors, found more");
}

void PickleReader::push_container(Kind kind, std::vector<PickleValue> items) {
  count_object();
  push(kind, static_cast<int64_t>(pickle_.containers_.size()));
  pickle_.containers_.push_back(std::move(items));
}

PickleValue PickleReader::pop(const char* what) {
  expect(stack_.size() > floor(), ": expected ", what, " on the stack, found nothing");
  const PickleValue value = stack_.back();
  stack_.pop_back();
  return value;
}

std::vector<PickleValue> PickleReader::pop_last(size_t count) {
  expect(stack_.size() - floor() >= count, ": expected ", count, " values on the stack, found ",
         stack_.size() - floor());
  const auto first = stack_.end() - static_cast<std::ptrdiff_t>(count);
  std::vector<PickleValue> items(first, stack_.end());
  stack_.erase(first, stack_.end());
  return items;
}

std::vector<PickleValue> PickleReader::pop_to_mark() {
  expect(!marks_.empty(), ": expected a mark on the stack, found none");
  std::vector<PickleValue> items = pop_last(stack_.size() - marks_.back());
  marks_.pop_back();
  return items;
}

std::vector<PickleValue>& PickleReader::top_items(Kind kind) {
  expect(stack_.size() > floor(), ": expected ", to_string(kind), " on the stack, found nothing");
  expect(stack_.back().is(kind), ": expected ", to_string(kind), " on the stack, found ",
         to_string(stack_.back().kind));
  return pickle_.containers_[static_cast<size_t>(stack_.back().payload)];
}

bool PickleReader::step() {
  opcode_at_ = at_;
  check(at_ < most_, label_, ": expected STOP at the end of the pickle, found the end of its ",
        most_, " bytes");
  opcode_ = pickle_.loaded_[skip(1)];
  expect(++opcodes_ <= kMostOpcodes, ": a pickle has at most ", kMostOpcodes,
         " opcodes, found more");
  const Opcode opcode{opcode_};
  if (opcode == Opcode::stop) {
    pickle_.root_ = pop("the value of the pickle");
    expect(stack_.empty() && marks_.empty(), ": expected one value on the stack, found more");
    return false;
  }
  if (!step_number(opcode) && !step_text(opcode) && !step_container(opcode) && !step_memo(opcode))
    step_other(opcode);
  return true;
}

bool PickleReader::step_number(Opcode opcode) {
  switch (opcode) {
    case Opcode::none:
      push(Kind::none, 0);
      return true;
    case Opcode::new_false:
    case Opcode::new_true:
      push(Kind::boolean, opcode == Opcode::new_true ? 1 : 0);
      return true;
    case Opcode::bin_int:
      push(Kind::integer, signed_number(4));
      return true;
    case Opcode::bin_int1:
      push(Kind::integer, static_cast<int64_t>(number(1)));
      return true;
    case Opcode::bin_int2:
      push(Kind::integer, static_cast<int64_t>(number(2)));
      return true;
    case Opcode::bin_float:
      push(Kind::real, std::bit_cast<int64_t>(big_endian_real()));
      return true;
    case Opcode::long1:
      if (const uint64_t bytes = number(1); bytes <= 8)
        push(Kind::integer, signed_number(bytes));
      else
        push_content(Kind::big_integer, bytes);
      return true;
    default:
      return false;
  }
}

bool PickleReader::step_text(Opcode opcode) {
  switch (opcode) {
    case Opcode::short_bin_string:
    case Opcode::short_bin_unicode:
      push_content(Kind::text, number(1));
      return true;
    case Opcode::bin_string:
    case Opcode::bin_unicode:
      push_content(Kind::text, number(4));
      return true;
    case Opcode::bin_unicode8:
      push_content(Kind::text, number(8));
      return true;
    case Opcode::short_bin_bytes:
      push_content(Kind::bytes, number(1));
      return true;
    case Opcode::bin_bytes:
      push_content(Kind::bytes, number(4));
      return true;
    case Opcode::bin_bytes8:
      push_content(Kind::bytes, number(8));
      return true;
    default:
      return false;
  }
}

bool PickleReader::step_container(Opcode opcode) {
  switch (opcode) {
    case Opcode::empty_list:
      push_container(Kind::list, {});
      return true;
    case Opcode::empty_tuple:
      push_container(Kind::tuple, {});
      return true;
    case Opcode::empty_dictionary:
      push_container(Kind::dictionary, {});
      return true;
    case Opcode::tuple1:
    case Opcode::tuple2:
    case Opcode::tuple3:
      push_container(Kind::tuple, pop_last(size_t{opcode_} - size_t{0x84}));
      return true;
    case Opcode::tuple:
      push_container(Kind::tuple, pop_to_mark());
      return true;
    case Opcode::append:
    case Opcode::appends: {
      const auto items = opcode == Opcode::append ? pop_last(1) : pop_to_mark();
      auto& list = top_items(Kind::list);
      list.insert(list.end(), items.begin(), items.end());
      return true;
    }
    case Opcode::set_item:
    case Opcode::set_items: {
      const auto items = opcode == Opcode::set_item ? pop_last(2) : pop_to_mark();
      expect(items.size() % 2 == 0, ": expected pairs of key and value, found ", items.size(),
             " values");
      auto& dictionary = top_items(Kind::dictionary);
      dictionary.insert(dictionary.end(), items.begin(), items.end());
      return true;
    }
    default:
      return false;
  }
}

bool PickleReader::step_memo(Opcode opcode) {
  switch (opcode) {
    case Opcode::bin_get:
      get(number(1));
      return true;
    case Opcode::long_bin_get:
      get(number(4));
      return true;
    case Opcode::bin_put:
      put(number(1));
      return true;
    case Opcode::long_bin_put:
      put(number(4));
      return true;
    case Opcode::memoize:
      put(memo_.size());
      return true;
    default:
      return false;
  }
}

void PickleReader::step_other(Opcode opcode) {
  switch (opcode) {
    case Opcode::mark:
      marks_.push_back(stack_.size());
      return;
    case Opcode::protocol: {
      const uint64_t version = number(1);
      expect(opcode_at_ == 0 && version >= 2 && version <= 5,
             ": expected protocol 2 to 5 at the beginning, found protocol ", version);
      return;
    }
    case Opcode::frame: {
      const uint64_t bytes = number(8);
      expect(bytes <= most_ - at_, " needs ", bytes, " more bytes, found ", most_ - at_);
      return;
    }
    case Opcode::global: {
      const std::string module = line();
      return push_name(module + "." + line());
    }
    case Opcode::stack_global:
      return push_stack_name();
    case Opcode::bin_persistent_id:
      return push_storage();
    case Opcode::reduce:
      return reduce();
    case Opcode::new_object:
      return new_object();
    case Opcode::build:
      return build();
    default:
      refuse(
          " is not an opcode of tensors, dictionaries, lists, numbers and strings, and nothing "
          "else is read");
  }
}

// Picklers number the values in the order of their appearance, from 0 or 1.
void PickleReader::put(uint64_t index) {
  expect(index <= memo_.size() + 1, ": expected at most number ", memo_.size() + 1, ", found ",
         index);
  expect(stack_.size() > floor(), ": expected a value on the stack, found nothing");
  if (index >= memo_.size()) memo_.resize(index + 1, kUninitialized);
  memo_[index] = stack_.back();
}

void PickleReader::get(uint64_t index) {
  expect(index < memo_.size() && !is_uninitialized(memo_[index]),
         ": expected the number of a value ", "before, found ", index);
  push(memo_[index]);
}

}  // namespace d2l::weights
