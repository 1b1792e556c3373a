#include "framework/backend/bf16_products.h"

#include <fstream>
#include <sstream>

#include "tests/backend/naive.h"

namespace d2l::test {
namespace {

using cpu::Bf16Products;
using cpu::choose_bf16_products;
using cpu::ForcedBf16Products;
using cpu::Processor;

TEST(Bf16Choice, DependsOnWhatTheProcessorIsFastAt) {
  const struct {
    Processor processor;
    Bf16Products products;
    const char* reason;  // a part of it
  } kCases[] = {
      // Zen 4 and later
      {{"AuthenticAMD", 0x19, true, false}, Bf16Products::pairs, "twice as many"},
      {{"AuthenticAMD", 0x1a, true, false}, Bf16Products::pairs, "twice as many"},
      // Zen 3 (same family as Zen 4) and Zen 2
      {{"AuthenticAMD", 0x19, false, false}, Bf16Products::f32, "no instruction"},
      {{"AuthenticAMD", 0x17, false, false}, Bf16Products::f32, "no instruction"},
      // Sapphire Rapids; the same with AMX hidden by the hypervisor, or Cooper Lake; Ice Lake
      {{"GenuineIntel", 6, true, true}, Bf16Products::tiles, "AMX"},
      {{"GenuineIntel", 6, true, false}, Bf16Products::f32, "GenuineIntel"},
      {{"GenuineIntel", 6, false, false}, Bf16Products::f32, "no instruction"},
      // other vendors with the instruction, and with AMX
      {{"CentaurHauls", 7, true, false}, Bf16Products::f32, "CentaurHauls"},
      {{"", 0, true, false}, Bf16Products::f32, "not known"},
      {{"AuthenticAMD", 0x1b, true, true}, Bf16Products::tiles, "AMX"},
      {{"", 0, false, false}, Bf16Products::f32, "no instruction"},
      // oneDNN is limited to less than the processor has
      {{"AuthenticAMD", 0x19, true, false, true}, Bf16Products::f32, "ONEDNN_MAX_CPU_ISA"},
      {{"GenuineIntel", 6, true, true, true}, Bf16Products::f32, "ONEDNN_MAX_CPU_ISA"},
      {{"AuthenticAMD", 0x17, false, false, true}, Bf16Products::f32, "no instruction"}};
  for (const auto& c : kCases) {
    const cpu::Bf16Choice found = choose_bf16_products(c.processor);
    EXPECT_EQ(found.products, c.products) << c.processor.vendor << " " << c.processor.family;
    EXPECT_NE(found.reason.find(c.reason), std::string::npos) << found.reason;
  }
}

// The value of the first such line in /proc/cpuinfo.
std::string cpuinfo(const std::string& name) {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.rfind(name, 0) == 0) return line.substr(std::min(line.find(':') + 2, line.size()));
  return {};
}

TEST(Bf16Choice, IsMadeForThisProcessor) {
  const Processor& here = cpu::this_processor();
  if (cpuinfo("vendor_id").empty()) GTEST_SKIP() << "/proc/cpuinfo names no vendor";
  EXPECT_EQ(here.vendor, cpuinfo("vendor_id"));
  EXPECT_EQ(std::to_string(here.family), cpuinfo("cpu family"));
  std::istringstream flags(cpuinfo("flags"));
  bool has_pairs = false;
  for (std::string flag; flags >> flag;) has_pairs |= flag == "avx512_bf16";
  EXPECT_EQ(here.has_pairs, has_pairs);
  EXPECT_EQ(cpu::bf16_products(), choose_bf16_products(here).products);
}

TEST(Bf16Choice, IsSaidInASentence) {
  const std::unique_ptr<Backend> backend = make_cpu_backend(1);
  EXPECT_EQ(backend->describe_products(DType::f32), "");
  const std::string before = backend->describe_products(DType::bf16);
  EXPECT_NE(before.find(choose_bf16_products(cpu::this_processor()).reason), std::string::npos);
  for (const auto& [way, words] :
       {std::pair(Bf16Products::f32, "bf16 is stored, but multiplied "),
        std::pair(Bf16Products::pairs, "bf16 is multiplied in pairs: "),
        std::pair(Bf16Products::tiles, "bf16 is multiplied in tiles: ")}) {
    const ForcedBf16Products forced(way);
    EXPECT_EQ(backend->describe_products(DType::bf16).find(words), 0u);
  }
  EXPECT_EQ(backend->describe_products(DType::bf16), before);
}

}  // namespace
}  // namespace d2l::test
