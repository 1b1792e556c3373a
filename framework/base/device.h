#pragma once

#include <string>

namespace d2l {

enum class DeviceKind { cpu, cuda };

// A device that holds tensors and computes with them.
struct Device {
  DeviceKind kind = DeviceKind::cpu;
  int index = 0;

  bool operator==(const Device&) const = default;
};

inline std::string to_string(Device device) {
  return device.kind == DeviceKind::cpu ? "cpu" : "cuda:" + std::to_string(device.index);
}

}  // namespace d2l
