#include "framework/base/process_memory.h"

#include <fstream>
#include <string>

namespace d2l {

// getrusage() would count what the process was before exec(), too.
ProcessMemory ProcessMemory::now() {
  constexpr uint64_t kUnit = 1024;
  ProcessMemory memory;
  std::ifstream stream("/proc/self/status");
  std::string line;
  const auto number = [&] { return std::stoull(line.substr(line.find(':') + 1)) * kUnit; };
  while (std::getline(stream, line)) {
    if (line.starts_with("VmRSS:")) memory.bytes = number();
    if (line.starts_with("VmHWM:")) memory.peak = number();
  }
  return memory;
}

}  // namespace d2l
