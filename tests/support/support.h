#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "framework/tensor/tensor.h"

namespace d2l::test {

// One CPU backend for the whole test program, with one thread.
Backend& cpu();
// The backend for tests of tensors and all layers above: cpu(), or the GPU if $D2L_TEST_DEVICE is
// "cuda".
Backend& device();
// One GPU for the whole test program. Throws Error if there is none.
Backend& gpu();

// Whether every element is within absolute + relative * |expected|; reports the first one that is
// not.
testing::AssertionResult close(const Tensor& found, const std::vector<float>& expected,
                               double relative = 1e-5, double absolute = 1e-6);
testing::AssertionResult close(const Tensor& found, const Tensor& expected, double relative = 1e-5,
                               double absolute = 1e-6);

// Runs `action`, which must throw Error, and returns its message; otherwise the test fails.
template <class Action>
std::string message_of(Action&& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  ADD_FAILURE() << "expected an Error, none was thrown";
  return "";
}

// An empty folder, removed with the object.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// The folder of the programs that tests start: the test program's own.
std::filesystem::path bin_dir();
// The source tree, or the part of it in a package (docs/package.md).
std::filesystem::path source_dir();

// The real datasets: $D2L_DATA_DIR, or ../shared/data beside the source tree; empty if absent. Use
// as: auto data = data_dir(); if (data.empty()) GTEST_SKIP() << kNoData;
std::filesystem::path data_dir();
inline constexpr const char* kNoData =
    "real data not found: set D2L_DATA_DIR or place it in ../shared/data";

}  // namespace d2l::test
