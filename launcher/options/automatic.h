#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace d2l::launcher {

// A number of threads, or "auto".
struct ThreadChoice {
  std::optional<int> count = {};  // none: auto

  bool operator==(const ThreadChoice&) const = default;
};

// An amount of memory: "512MiB" (also KiB, GiB and TiB), or "auto".
struct MemoryChoice {
  std::optional<uint64_t> bytes = {};  // none: auto
  std::string text = "auto";           // as the user wrote it

  bool operator==(const MemoryChoice&) const = default;
};

// As in values.h.
std::string text_of(const ThreadChoice& value);
std::string text_of(const MemoryChoice& value);
void parse(const std::string& label, const std::string& text, ThreadChoice& value);
void parse(const std::string& label, const std::string& text, MemoryChoice& value);

}  // namespace d2l::launcher
