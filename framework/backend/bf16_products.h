#pragma once

#include <string>

// How CPUs multiply 16-bit numbers. The choice depends on the processor alone; nothing is measured,
// so every process on a machine makes the same choice.
namespace d2l::cpu {

enum class Bf16Products {
  tiles,  // AMX multiplies tiles of bf16 (amx_tiles.h)
  pairs,  // AVX-512 BF16 multiplies pairs of bf16 and adds both products (pairs.h)
  f32     // kernels convert bf16 to f32 before they multiply
};

// The properties of a processor that the choice depends on.
struct Processor {
  std::string vendor;       // "AuthenticAMD"
  int family = 0;           // 0x19
  bool has_pairs = false;   // AVX-512 BF16
  bool has_tiles = false;   // AMX, and the system permits this process to use it
  bool is_limited = false;  // ONEDNN_MAX_CPU_ISA forbids oneDNN to use them
};
const Processor& this_processor();

struct Bf16Choice {
  Bf16Products products;
  std::string reason;  // "this processor multiplies twice as many in pairs as in f32"
};
Bf16Choice choose_bf16_products(const Processor& processor);

// The choice of this process, and a sentence that describes it.
Bf16Products bf16_products();
std::string describe_bf16_products();

// For tests: forces another choice, which the processor must support, while the object lives.
class ForcedBf16Products {
 public:
  explicit ForcedBf16Products(Bf16Products products);
  ~ForcedBf16Products();
  ForcedBf16Products(const ForcedBf16Products&) = delete;
  ForcedBf16Products& operator=(const ForcedBf16Products&) = delete;

 private:
  Bf16Choice before_;
};

}  // namespace d2l::cpu
