#include "data/packing/image_header.h"

#include <filesystem>
#include <optional>

#include "data/formats/image.h"
#include "framework/base/error.h"

namespace d2l::data {
namespace {

bool fill(std::span<const uint8_t> file, PackItem& item) {
  try {
    const Shape shape = read_image_header(file).shape;
    item.height = static_cast<int32_t>(shape[0]);
    item.width = static_cast<int32_t>(shape[1]);
    item.channels = static_cast<int32_t>(shape[2]);
    return true;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

bool fill_header(std::span<const uint8_t> begin,
                 const std::function<std::span<const uint8_t>()>& whole, PackItem& item) {
  if (!encoding_of(begin)) return false;
  if (!fill(begin, item) && item.bytes > begin.size()) fill(whole(), item);
  return true;
}

bool has_image_name(const std::string& path) {
  std::string ending = std::filesystem::path(path).extension().string();
  for (char& c : ending)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return ending == ".jpg" || ending == ".jpeg" || ending == ".png" || ending == ".webp";
}

std::string not_an_image(std::span<const uint8_t> bytes) {
  return concat("expected a JPEG, PNG or WebP image, found ",
                bytes.empty() ? "an empty file" : "other bytes");
}

}  // namespace d2l::data
