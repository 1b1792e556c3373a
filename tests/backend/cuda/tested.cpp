#include "tests/backend/cases/compare.h"

namespace d2l::test {

Backend& tested() { return gpu(); }

}  // namespace d2l::test
