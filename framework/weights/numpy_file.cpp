#include "framework/weights/numpy_file.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "framework/base/error.h"
#include "framework/weights/byte_file.h"
#include "framework/weights/numpy_header.h"
#include "framework/weights/zip_file.h"

namespace d2l::weights {
namespace {

constexpr std::string_view kExtension = ".npy";

void check_bytes(const NumpyHeader& header, uint64_t found, const std::string& place) {
  const uint64_t expected = static_cast<uint64_t>(header.shape.elements()) * size_of(header.type);
  check(found >= expected, place, ": expected ", expected, " bytes for ", to_string(header.type),
        " ", header.shape, ", found ", found, ": the array is cut off");
  check(found == expected, place, ": found ", found - expected,
        " bytes after the array, expected none");
}

void swap_bytes(std::vector<uint8_t>& bytes, size_t width) {
  for (auto at = bytes.begin(); at != bytes.end(); at += static_cast<ptrdiff_t>(width))
    std::reverse(at, at + static_cast<ptrdiff_t>(width));
}

// Elements of which the first axis varies fastest -> row-major.
std::vector<uint8_t> row_major(const std::vector<uint8_t>& from, const Shape& shape, size_t width) {
  std::array<size_t, Shape::kMaxRank> steps{}, index{};  // steps: in bytes of `from`
  for (int axis = 0; axis < shape.rank(); ++axis)
    steps[axis] = axis == 0 ? width : steps[axis - 1] * static_cast<size_t>(shape[axis - 1]);
  std::vector<uint8_t> to(from.size());
  size_t source = 0;
  for (size_t target = 0; target < to.size(); target += width) {
    std::copy_n(from.data() + source, width, to.data() + target);
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
      source += steps[axis];
      if (++index[axis] < static_cast<size_t>(shape[axis])) break;
      source -= steps[axis] * index[axis];
      index[axis] = 0;
    }
  }
  return to;
}

// As WeightFile::read_bytes() wants them.
std::vector<uint8_t> usual_order(std::vector<uint8_t> bytes, const NumpyHeader& header) {
  const size_t width = size_of(header.type);
  if (header.big_endian && width > 1) swap_bytes(bytes, width);
  return header.fortran_order && header.shape.rank() > 1 ? row_major(bytes, header.shape, width)
                                                         : bytes;
}

class NpyFile final : public WeightFile {
 public:
  explicit NpyFile(const std::filesystem::path& path) : WeightFile(path, "NumPy"), file_(path) {
    const std::string place = path.string();
    data_ = numpy_header_bytes(file_.read(0, std::min(kNumpyStart, file_.size())), place);
    header_ = parse_numpy_header(file_.read(0, data_), place);
    add({path.stem().string(), header_.type, header_.shape});
    check_bytes(header_, file_.size() - data_, place);
  }

 private:
  std::vector<uint8_t> read_bytes(size_t /*index*/) const override {
    return usual_order(file_.read(data_, file_.size() - data_), header_);
  }

  ByteFile file_;
  NumpyHeader header_;
  uint64_t data_ = 0;  // where the elements begin
};

class NpzFile final : public WeightFile {
 public:
  explicit NpzFile(std::unique_ptr<const ZipFile> zip)
      : WeightFile(zip->path(), "NumPy"), zip_(std::move(zip)) {
    for (const ZipFile::Entry& entry : zip_->entries())
      if (!entry.name.ends_with("/")) add_array(entry);
  }

 private:
  struct Array {
    const ZipFile::Entry* entry = nullptr;
    NumpyHeader header;
    uint64_t data = 0;  // where the elements begin in the entry
  };

  void add_array(const ZipFile::Entry& entry) {
    const std::string place = concat(path().string(), ": entry '", entry.name, "'");
    check(entry.name.ends_with(kExtension), place, ": expected only names that end with ",
          kExtension);
    Array array{&entry, {}, numpy_header_bytes(zip_->read_start(entry, kNumpyStart), place)};
    check(array.data <= entry.bytes, place, ": the NumPy header has ", array.data,
          " bytes, found only ", entry.bytes);
    array.header = parse_numpy_header(zip_->read_start(entry, array.data), place);
    const std::string name = entry.name.substr(0, entry.name.size() - kExtension.size());
    add({name, array.header.type, array.header.shape});
    check_bytes(array.header, entry.bytes - array.data, place);
    arrays_.push_back(array);
  }

  std::vector<uint8_t> read_bytes(size_t index) const override {
    const Array& array = arrays_[index];
    std::vector<uint8_t> bytes = zip_->read(*array.entry, array.entry->bytes);
    bytes.erase(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(array.data));
    return usual_order(std::move(bytes), array.header);
  }

  std::unique_ptr<const ZipFile> zip_;
  std::vector<Array> arrays_;  // in the order of weights()
};

}  // namespace

std::unique_ptr<WeightFile> open_npy(const std::filesystem::path& path) {
  return std::make_unique<NpyFile>(path);
}

std::unique_ptr<WeightFile> open_npz(std::unique_ptr<const ZipFile> zip) {
  return std::make_unique<NpzFile>(std::move(zip));
}

}  // namespace d2l::weights
