#include "tests/backend/cases/compare.h"

namespace d2l::test {

// A new one for each test, since other tests' backends may have changed the number of threads.
Backend& tested() {
  static std::unique_ptr<Backend> backend;
  static const testing::TestInfo* made_for = nullptr;
  host();  // first: the backend made last sets the number of threads
  const testing::TestInfo* now = testing::UnitTest::GetInstance()->current_test_info();
  if (backend == nullptr || now != made_for) backend = make_cpu_backend(2);
  made_for = now;
  return *backend;
}

}  // namespace d2l::test
