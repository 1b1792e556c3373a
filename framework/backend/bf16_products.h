#pragma once

#include <string>

// How CPUs compute products of 16-bit numbers, which depends on what the machine is fast at. It is
// a fact of the processor and nothing that is measured: every process on a machine decides alike.
namespace d2l::cpu {

enum class Bf16Products {
  tiles,  // AMX multiplies tiles of them (amx_tiles.h)
  pairs,  // an instruction of AVX-512 multiplies two pairs of them at a time (pairs.h)
  f32     // they become f32 on the way into a kernel
};

// What the decision depends on.
struct Processor {
  std::string vendor;       // "AuthenticAMD"
  int family = 0;           // 0x19
  bool has_pairs = false;   // the instruction for pairs
  bool has_tiles = false;   // AMX, and the system lets this process use it
  bool is_limited = false;  // ONEDNN_MAX_CPU_ISA keeps oneDNN from using them
};
const Processor& this_processor();

struct Bf16Choice {
  Bf16Products products;
  std::string reason;  // "this processor multiplies twice as many in pairs as in f32"
};
Bf16Choice choose_bf16_products(const Processor& processor);

// What this process does, and both as a sentence.
Bf16Products bf16_products();
std::string describe_bf16_products();

// For tests, while it lives: another way, which the processor must have.
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
