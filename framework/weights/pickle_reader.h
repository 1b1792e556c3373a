#pragma once

#include <string>
#include <vector>

#include "framework/base/error.h"
#include "framework/weights/pickle.h"
#include "framework/weights/pickle_names.h"

namespace d2l::weights {

// The machine that interprets a pickle: opcodes move values between a stack, its marks and a memo.
class PickleReader {
 public:
  using Kind = PickleValue::Kind;

  PickleReader(std::string label, uint64_t most, const Pickle::Read& read, Pickle& pickle);
  void run();

 private:
  // Throws Error that names the place and the opcode.
  template <class... Parts>
  [[noreturn]] void refuse(const Parts&... parts) const {
    fail(label_, ": byte ", opcode_at_, ": ", opcode_name(opcode_), parts...);
  }
  template <class... Parts>
  void expect(bool holds, const Parts&... parts) const {
    if (!holds) [[unlikely]]
      refuse(parts...);
  }

  // Bytes: each returns what follows and moves on.
  uint64_t skip(uint64_t bytes);  // returns where they begin
  uint64_t number(int bytes);     // little-endian
  int64_t signed_number(uint64_t bytes);
  double big_endian_real();
  std::string line();
  void load(uint64_t bytes);

  // The stack. No value below the last mark can be taken.
  size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }
  void push(PickleValue value) { stack_.push_back(value); }
  void push(Kind kind, int64_t payload) { push({.kind = kind, .payload = payload}); }
  void push_content(Kind kind, uint64_t bytes);
  void push_container(Kind kind, std::vector<PickleValue> items);
  PickleValue pop(const char* what);
  std::vector<PickleValue> pop_last(size_t count);
  std::vector<PickleValue> pop_to_mark();
  std::vector<PickleValue>& top_items(Kind kind);
  void count_object();

  bool step();  // returns false after STOP
  bool step_number(Opcode opcode);
  bool step_text(Opcode opcode);
  bool step_container(Opcode opcode);
  bool step_memo(Opcode opcode);
  void step_other(Opcode opcode);
  void put(uint64_t index);
  void get(uint64_t index);

  void push_name(const std::string& name);
  void push_stack_name();
  void push_storage();
  void reduce();
  void new_object();
  void build();
  void reduce_ordered_dictionary(const std::vector<PickleValue>& arguments);
  void reduce_tensor(const PickleName& function, const std::vector<PickleValue>& arguments);
  void reduce_parameter(const PickleName& function, const std::vector<PickleValue>& arguments);
  std::string_view text_of(const PickleValue& value, const char* what) const;
  int64_t integer_of(const PickleValue& value, const char* what) const;

  std::string label_;
  uint64_t most_;
  const Pickle::Read& read_;
  Pickle& pickle_;
  uint64_t at_ = 0, opcode_at_ = 0;
  uint8_t opcode_ = 0;
  size_t opcodes_ = 0, objects_ = 0, copied_ = 0;
  std::vector<PickleValue> stack_;
  std::vector<size_t> marks_;
  std::vector<PickleValue> memo_;
};

}  // namespace d2l::weights
