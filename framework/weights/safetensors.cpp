#include "framework/weights/safetensors.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "framework/base/error.h"
#include "framework/weights/byte_file.h"
#include "framework/weights/byte_reader.h"
#include "framework/weights/safetensors_header.h"

namespace d2l::weights {
namespace {

constexpr uint64_t kLengthBytes = 8;  // of the number at the beginning, the header's length

class SafetensorsFile final : public WeightFile {
 public:
  explicit SafetensorsFile(const std::filesystem::path& path)
      : WeightFile(path, "safetensors"), file_(path) {
    const uint64_t header_bytes = read_length();
    data_ = kLengthBytes + header_bytes;
    SafetensorsHeader header = read_header(header_bytes);
    for (SafetensorsHeader::Array& array : header.arrays) {
      places_.emplace_back(array.begin, array.end);
      add(std::move(array.info));
    }
    for (auto& [name, text] : header.metadata) add_text(name, std::move(text));
    check_places();
  }

 private:
  std::vector<uint8_t> read_bytes(size_t index) const override {
    const auto [begin, end] = places_[index];
    return file_.read(data_ + begin, end - begin);
  }

  uint64_t read_length() const {
    const std::string name = path().string();
    check(file_.size() >= kLengthBytes, name, ": expected a safetensors file, found a file of ",
          file_.size(), " bytes");
    const std::vector<uint8_t> bytes = file_.read(0, kLengthBytes);
    const auto length = ByteReader(bytes, name).number<uint64_t>();
    check(length <= kMostSafetensorsHeader, name, ": expected a safetensors file with a header of ",
          "at most ", kMostSafetensorsHeader, " bytes, found ", length);
    check(length <= file_.size() - kLengthBytes, name, ": the header has ", length,
          " bytes, found a file of ", file_.size(), " bytes: it is cut off");
    return length;
  }

  SafetensorsHeader read_header(uint64_t bytes) const {
    const std::vector<uint8_t> text = file_.read(kLengthBytes, bytes);
    return parse_safetensors_header({reinterpret_cast<const char*>(text.data()), text.size()},
                                    path().string());
  }

  // Arrays have the size that their shape says, and fill the file without gaps and overlaps.
  void check_places() const {
    const std::string name = path().string();
    std::vector<size_t> order(places_.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::sort(order.begin(), order.end(),
              [&](size_t a, size_t b) { return places_[a] < places_[b]; });
    const uint64_t available = file_.size() - data_;
    uint64_t before = 0;
    for (const size_t i : order) {
      const auto [begin, end] = places_[i];
      const WeightInfo& info = weights()[i];
      const std::string array = concat(name, ": array '", info.name, "'");
      const uint64_t expected = static_cast<uint64_t>(info.shape.elements()) * size_of(info.type);
      check(begin <= end, array, " has the data_offsets ", begin, " and ", end, ", in wrong order");
      check(end - begin == expected, array, " has ", end - begin, " bytes, expected ", expected,
            " for ", to_string(info.type), " ", info.shape);
      check(begin >= before, array, " begins at byte ", begin,
            " of the elements, where another array is, which ends at byte ", before);
      check(begin == before, array, " begins at byte ", begin, " of the elements, expected byte ",
            before, ": no array may use the bytes between");
      check(end <= available, array, " ends at byte ", end, " of the elements, found only ",
            available, " bytes: the file is cut off");
      before = end;
    }
    check(before == available, name, ": found ", available - before,
          " bytes after the last array, expected none");
  }

  ByteFile file_;
  uint64_t data_ = 0;                                  // where the elements begin
  std::vector<std::pair<uint64_t, uint64_t>> places_;  // from there, in the order of weights()
};

}  // namespace

std::unique_ptr<WeightFile> open_safetensors(const std::filesystem::path& path) {
  return std::make_unique<SafetensorsFile>(path);
}

}  // namespace d2l::weights
