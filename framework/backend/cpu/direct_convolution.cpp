#include "framework/backend/cpu/direct_convolution.h"

namespace d2l::cpu {

bool has_wide_vectors() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl");
#else
  return false;
#endif
}

}  // namespace d2l::cpu
