#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "framework/backend/cuda_module.h"

// GoogleTest's main for programs that compute on the device in $D2L_TEST_DEVICE: cpu or cuda. If it
// is cuda and there is no GPU, runs no test and returns CTest's exit code for skipped tests.
int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const char* device = std::getenv("D2L_TEST_DEVICE");
  if (device != nullptr && std::string(device) == "cuda" && d2l::count_cuda_devices() == 0) {
    // in GoogleTest's format, for test.sh's list of reasons
    std::printf("all tests: Skipped\nno GPU: %s\n\n[  SKIPPED ] all tests\n",
                d2l::why_no_cuda().c_str());
    return 77;
  }
  return RUN_ALL_TESTS();
}
