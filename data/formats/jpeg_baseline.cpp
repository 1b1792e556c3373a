#include "data/formats/jpeg_baseline.h"

#include <algorithm>

namespace d2l::data {
namespace {

using Bytes = std::span<const uint8_t>;

int64_t u16(Bytes bytes, size_t at) { return bytes[at] << 8 | bytes[at + 1]; }

bool begins_with(Bytes bytes, const char* text, size_t size) {
  return bytes.size() >= size && std::equal(text, text + size, bytes.begin());
}

// Collects the header's segments. Each method gets a segment's content and returns false if the
// file is of another kind.
class HeaderParser {
 public:
  explicit HeaderParser(BaselineJpeg& jpeg) : jpeg_(jpeg) {}

  bool segment(int marker, Bytes content) {
    switch (marker) {
      case 0xC0:
      case 0xC1:
        return frame(content);
      case 0xC4:
        return codes(content);
      case 0xDB:
        return quantisation(content);
      case 0xDD:
        if (content.size() != 2) return false;
        jpeg_.restart_interval = u16(content, 0);
        return true;
      case 0xE0:
        has_jfif_ |= begins_with(content, "JFIF\0", 5);
        return true;
      case 0xE1:
        if (!has_orientation_ && content.size() > 6 && begins_with(content, "Exif\0", 6)) {
          const auto found = exif_orientation(content.subspan(6));
          has_orientation_ = found.has_value();
          jpeg_.orientation = found.value_or(Orientation{});
        }
        return true;
      case 0xEE:
        if (begins_with(content, "Adobe", 5) && content.size() >= 12) adobe_ = content[11];
        return true;
      default:
        return (marker > 0xE1 && marker <= 0xEF) || marker == 0xFE;
    }
  }

  // The scan's header; after it, everything is known.
  bool scan(Bytes content) {
    const size_t count = jpeg_.components.size();
    if (count == 0 || content.size() != 4 + 2 * count || content[0] != count) return false;
    for (size_t i = 0; i < count; ++i) {
      JpegComponent& component = jpeg_.components[i];
      component.dc = content[2 + 2 * i] >> 4;
      component.ac = content[2 + 2 * i] & 15;
      if (content[1 + 2 * i] != names_[i] || component.dc > 3 || component.ac > 3) return false;
      if (jpeg_.dc_codes[component.dc].empty() || jpeg_.ac_codes[component.ac].empty())
        return false;
      if (!has_quantisation_[component.quantisation]) return false;
    }
    const Bytes last = content.last(3);
    return last[0] == 0 && last[1] == 63 && last[2] == 0 && (count == 1 || is_ycbcr());
  }

 private:
  bool frame(Bytes content) {
    if (content.size() < 6 || !jpeg_.components.empty() || content[0] != 8) return false;
    jpeg_.height = u16(content, 1);
    jpeg_.width = u16(content, 3);
    const size_t count = content[5];
    if (jpeg_.height == 0 || jpeg_.width == 0 || (count != 1 && count != 3)) return false;
    if (content.size() != 6 + 3 * count) return false;
    int blocks = 0;
    for (size_t i = 0; i < count; ++i) {
      const Bytes entry = content.subspan(6 + 3 * i, 3);
      JpegComponent component{entry[1] >> 4, entry[1] & 15, entry[2], 0, 0};
      if (component.horizontal < 1 || component.horizontal > 4 || component.vertical < 1 ||
          component.vertical > 4 || component.quantisation > 3)
        return false;
      // the blocks of a single component are not interleaved, whatever its sampling factors are
      if (count == 1) component.horizontal = component.vertical = 1;
      blocks += component.horizontal * component.vertical;
      jpeg_.most_horizontal = std::max(jpeg_.most_horizontal, component.horizontal);
      jpeg_.most_vertical = std::max(jpeg_.most_vertical, component.vertical);
      jpeg_.components.push_back(component);
      names_[i] = entry[0];
    }
    for (const JpegComponent& component : jpeg_.components)
      if (jpeg_.most_horizontal % component.horizontal != 0 ||
          jpeg_.most_vertical % component.vertical != 0)
        return false;
    return blocks <= 10;
  }

  bool codes(Bytes content) {
    while (!content.empty()) {
      if (content.size() < 17) return false;
      const int which = content[0] >> 4, number = content[0] & 15;
      size_t symbols = 0;
      for (size_t length = 1; length <= 16; ++length) symbols += content[length];
      if (which > 1 || number > 3 || symbols == 0 || symbols > 256 || content.size() < 17 + symbols)
        return false;
      (which == 0 ? jpeg_.dc_codes : jpeg_.ac_codes)[number] = content.subspan(1, 16 + symbols);
      content = content.subspan(17 + symbols);
    }
    return true;
  }

  bool quantisation(Bytes content) {
    while (!content.empty()) {
      const int wide = content[0] >> 4, number = content[0] & 15;
      const size_t size = wide ? 128 : 64;
      if (wide > 1 || number > 3 || content.size() < 1 + size) return false;
      for (size_t i = 0; i < 64; ++i) {
        const int64_t value = wide ? u16(content, 1 + 2 * i) : content[1 + i];
        jpeg_.quantisation[number][i] = static_cast<uint16_t>(value);
      }
      has_quantisation_[number] = true;
      content = content.subspan(1 + size);
    }
    return true;
  }

  // The rules by which libjpeg guesses the colours of three components.
  bool is_ycbcr() const {
    if (has_jfif_) return true;
    if (adobe_ >= 0) return adobe_ == 1;
    return !(names_[0] == 'R' && names_[1] == 'G' && names_[2] == 'B');
  }

  BaselineJpeg& jpeg_;
  std::array<uint8_t, 3> names_{};
  std::array<bool, 4> has_quantisation_{};
  bool has_jfif_ = false, has_orientation_ = false;
  int adobe_ = -1;
};

}  // namespace

std::optional<BaselineJpeg> parse_baseline_jpeg(Bytes file) {
  if (file.size() < 4 || file[0] != 0xFF || file[1] != 0xD8) return std::nullopt;
  BaselineJpeg jpeg;
  HeaderParser parser(jpeg);
  size_t at = 2;
  while (file.size() - at >= 4) {
    if (file[at] != 0xFF) return std::nullopt;
    const int marker = file[at + 1];
    if (marker == 0xFF) {  // a marker may be preceded by any number of these bytes
      ++at;
      continue;
    }
    const size_t size = static_cast<size_t>(u16(file, at + 2));
    if (size < 2 || file.size() - at - 2 < size) return std::nullopt;
    const Bytes content = file.subspan(at + 4, size - 2);
    at += 2 + size;
    if (marker == 0xDA) {
      if (!parser.scan(content)) return std::nullopt;
      jpeg.scan = at;
      return jpeg;
    }
    if (!parser.segment(marker, content)) return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace d2l::data
