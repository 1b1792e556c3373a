#include "tests/backend/cases/compare.h"

namespace d2l::test {

// One for each test, since backends of other tests may have left a team of another size.
Backend& tested() {
  static std::unique_ptr<Backend> backend;
  static const testing::TestInfo* made_for = nullptr;
  host();  // first, since the last one that is made decides
  const testing::TestInfo* now = testing::UnitTest::GetInstance()->current_test_info();
  if (backend == nullptr || now != made_for) backend = make_cpu_backend(2);
  made_for = now;
  return *backend;
}

}  // namespace d2l::test
