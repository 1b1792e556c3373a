#include "framework/backend/bf16_products.h"

#include <dnnl.h>

#include "framework/backend/cpu/convolution/bf16_pairs/amx_tiles.h"
#include "framework/backend/cpu/convolution/bf16_pairs/pairs.h"
#include "framework/base/error.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace d2l::cpu {
namespace {

#if defined(__x86_64__)

std::string vendor_of_processor() {
  unsigned most = 0, parts[3] = {};
  if (__get_cpuid(0, &most, &parts[0], &parts[2], &parts[1]) == 0) return {};
  return {reinterpret_cast<const char*>(parts), sizeof parts};
}

int family_of_processor() {
  constexpr unsigned kExtended = 0xf;
  unsigned version = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &version, &b, &c, &d) == 0) return 0;
  const unsigned family = version >> 8 & 0xf;
  return static_cast<int>(family == kExtended ? family + (version >> 20 & 0xff) : family);
}

#else
std::string vendor_of_processor() { return {}; }
int family_of_processor() { return 0; }
#endif

// oneDNN computes what d2l has no kernel for, so it must be able to use the same instructions.
bool library_is_limited() {
  const int wanted = has_tiles() ? dnnl_cpu_isa_avx512_core_amx : dnnl_cpu_isa_avx512_core_bf16;
  return (static_cast<int>(dnnl_get_effective_cpu_isa()) & wanted) != wanted;
}

Bf16Choice& choice() {
  static Bf16Choice chosen = choose_bf16_products(this_processor());
  return chosen;
}

}  // namespace

const Processor& this_processor() {
  static const Processor found{vendor_of_processor(), family_of_processor(), has_pairs(),
                               has_tiles(), library_is_limited()};
  return found;
}

// Multiply-adds per cycle with 512-bit vectors, f32 and pairs: 16 and 32 on AMD's Zen 4, 32 and 32
// on Intel's servers.
Bf16Choice choose_bf16_products(const Processor& processor) {
  constexpr int kZen4 = 0x19;
  if ((processor.has_pairs || processor.has_tiles) && processor.is_limited)
    return {Bf16Products::f32, "ONEDNN_MAX_CPU_ISA keeps oneDNN from the instructions for it"};
  if (processor.has_tiles) return {Bf16Products::tiles, "AMX is many times faster than f32"};
  if (!processor.has_pairs)
    return {Bf16Products::f32, "this processor has no instruction that multiplies bf16"};
  if (processor.vendor == "AuthenticAMD" && processor.family >= kZen4)
    return {Bf16Products::pairs, "this processor multiplies twice as many in pairs as in f32"};
  return {Bf16Products::f32,
          concat("its instruction for pairs of bf16 is not known to be faster than f32 on ",
                 processor.vendor, " processors")};
}

Bf16Products bf16_products() { return choice().products; }

std::string describe_bf16_products() {
  switch (bf16_products()) {
    case Bf16Products::tiles:
      return concat("bf16 is multiplied in tiles: ", choice().reason);
    case Bf16Products::pairs:
      return concat("bf16 is multiplied in pairs: ", choice().reason);
    case Bf16Products::f32:
      break;
  }
  return concat("bf16 is stored, but multiplied as f32: ", choice().reason);
}

ForcedBf16Products::ForcedBf16Products(Bf16Products products) : before_(choice()) {
  choice() = {products, "forced"};
}
ForcedBf16Products::~ForcedBf16Products() { choice() = before_; }

}  // namespace d2l::cpu
