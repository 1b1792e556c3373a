#include "framework/hdf5_reader/checked_array.h"

#include <charconv>
#include <string>

#include "framework/base/checksum.h"
#include "framework/hdf5_reader/attributes.h"

namespace d2l::hdf5 {
namespace {

uint64_t parse_checksum(const std::string& text) {
  uint64_t number = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number, 16);
  require(text.size() == 16 && result.ptr == text.data() + text.size(),
          "expected a checksum of 16 hexadecimal digits, found '", text.substr(0, 16), "'");
  return number;
}

}  // namespace

void read_checked(const ByteSource& file, const Structures& structures, const CheckedArray& checked,
                  std::span<uint8_t> into) {
  file.read(checked.array.address, into);
  const std::string stated = Attributes(structures, checked.dataset).text("checksum");
  const uint64_t found = checksum(into.data(), into.size());
  require(checksums_agree(parse_checksum(stated), found), "it is damaged: expected checksum ",
          stated, ", found ", checksum_text(found));
}

}  // namespace d2l::hdf5
