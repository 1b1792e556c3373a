#include "framework/backend/backend.h"
#include "tests/support/support.h"

namespace d2l::test {
namespace {

TEST(CpuBackend, SaysWhatItIs) {
  EXPECT_EQ(make_cpu_backend(1)->device(), (Device{DeviceKind::cpu, 0}));
  EXPECT_EQ(make_cpu_backend(1)->describe().find("CPU, "), 0u);
}

TEST(CpuBackend, NeedsAThread) {
  EXPECT_EQ(message_of([] { make_cpu_backend(0); }),
            "the CPU backend needs at least 1 thread, found 0");
}

}  // namespace
}  // namespace d2l::test
