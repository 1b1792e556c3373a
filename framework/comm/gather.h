#pragma once

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "framework/comm/communicator.h"

namespace d2l {

// The values of all ranks, in rank order; values are copied byte by byte. Every rank makes this
// call.
template <class Value>
std::vector<Value> gather(const Value& mine, Communicator& comm) {
  std::vector<Value> all(static_cast<size_t>(comm.size()));
  constexpr int64_t kBytes = sizeof(Value);
  comm.all_gather({&mine, DType::u8, Shape{kBytes}},
                  {all.data(), DType::u8, Shape{kBytes * comm.size()}});
  return all;
}

// Copies a text into a member of a Value. The member must be all zeros before. If the text does not
// fit with a terminating zero, it is cut off.
template <size_t kSize>
void put(char (&to)[kSize], const std::string& text) {
  std::memcpy(to, text.data(), std::min(text.size(), kSize - 1));
}

}  // namespace d2l
