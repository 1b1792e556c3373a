#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "framework/base/files.h"
#include "framework/tensor/create.h"
#include "tests/support/support.h"
#include "vision/boxes.h"

namespace d2l::vision::test {

using d2l::test::close;
using d2l::test::cpu;
using d2l::test::message_of;
using d2l::test::source_dir;

// A file of tests/vision/reference; its README.md says how they were made.
inline nlohmann::json reference(const std::string& name) {
  return nlohmann::json::parse(read_text_file(source_dir() / "tests/vision/reference" / name));
}

// Nested lists of boxes as a tensor [n, 4].
inline Tensor boxes_in(const nlohmann::json& lists) {
  std::vector<float> values;
  for (const auto& list : lists)
    for (const auto& value : list) values.push_back(value.get<float>());
  return from_vector(cpu(), {static_cast<int64_t>(lists.size()), 4}, values);
}

}  // namespace d2l::vision::test
