#include "launcher/options/automatic.h"

#include <charconv>
#include <string_view>

#include "data/loading/loader.h"
#include "launcher/options/usage.h"

namespace d2l::launcher {
namespace {

constexpr std::string_view kAuto = "auto";

struct Unit {
  std::string_view name;
  int bits;
};

constexpr Unit kUnits[] = {{"KiB", 10}, {"MiB", 20}, {"GiB", 30}, {"TiB", 40}};

std::optional<uint64_t> bytes_of(std::string_view text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  for (const Unit& unit : kUnits)
    if (text == unit.name && number <= UINT64_MAX >> 8 >> unit.bits) return number << unit.bits;
  return std::nullopt;
}

}  // namespace

std::string text_of(const ThreadChoice& value) {
  return value.count ? std::to_string(*value.count) : std::string(kAuto);
}

std::string text_of(const MemoryChoice& value) { return value.text; }

void parse(const std::string& label, const std::string& text, ThreadChoice& value) {
  value.count.reset();
  if (text == kAuto) return;
  int count = 0;
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, count);
  if (result.ec != std::errc() || result.ptr != end || count < 1 ||
      count > data::Loader::kMostThreads)
    usage(label, " expects auto or a number from 1 to ", data::Loader::kMostThreads, ", found '",
          text, "'");
  value.count = count;
}

void parse(const std::string& label, const std::string& text, MemoryChoice& value) {
  value = {};
  if (text == kAuto) return;
  value.bytes = bytes_of(text);
  if (!value.bytes)
    usage(label, " expects auto or a size such as 512MiB or 2GiB, found '", text, "'");
  value.text = text;
}

}  // namespace d2l::launcher
