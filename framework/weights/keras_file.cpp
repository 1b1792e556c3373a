#include "framework/weights/keras_file.h"

#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "framework/base/error.h"
#include "framework/weights/byte_file.h"
#include "framework/weights/keras_layout.h"

namespace d2l::weights {
namespace {

// Structures can overlap, so that a small file describes a lot. A file of Keras has each of them
// once, and each is read once or twice.
class LimitedSource : public ByteSource {
 public:
  explicit LimitedSource(const ByteSource& bytes)
      : bytes_(bytes), left_(kMostReads * (bytes.size() + kSmallFile)) {}

  uint64_t size() const override { return bytes_.size(); }
  void read(uint64_t begin, std::span<uint8_t> out) const override {
    hdf5::require(out.size() <= left_, "its layers share the same bytes of the file");
    left_ -= out.size();
    bytes_.read(begin, out);
  }

 private:
  static constexpr uint64_t kMostReads = 4, kSmallFile = 64 << 10;

  const ByteSource& bytes_;
  mutable uint64_t left_;
};

// The HDF5 file in a .keras file.
class EntrySource : public ByteSource {
 public:
  explicit EntrySource(std::unique_ptr<const ZipFile> zip)
      : zip_(std::move(zip)), entry_(zip_->find(kKerasEntry)) {
    check(entry_ != nullptr, zip_->path().string(), ": expected an entry '", kKerasEntry,
          "', as Keras writes, found none");
  }

  uint64_t size() const override { return entry_->bytes; }
  void read(uint64_t begin, std::span<uint8_t> out) const override {
    zip_->read_part(*entry_, begin, out);
  }

 private:
  std::unique_ptr<const ZipFile> zip_;
  const ZipFile::Entry* entry_;
};

// No type if there is none with the same elements.
std::optional<ElementType> type_of(const hdf5::ElementType& type) {
  using Kind = hdf5::ElementType::Kind;
  if (type.kind == Kind::real) {
    if (type.bytes == 8) return ElementType::f64;
    if (type.bytes == 4) return ElementType::f32;
    return type.exponent_bits == 8 ? ElementType::bf16 : ElementType::f16;
  }
  if (type.kind != Kind::integer) return std::nullopt;
  if (type.is_signed && type.bytes == 8) return ElementType::i64;
  if (type.is_signed && type.bytes == 4) return ElementType::i32;
  if (type.is_signed && type.bytes == 2) return ElementType::i16;
  if (type.is_signed && type.bytes == 1) return ElementType::i8;
  if (!type.is_signed && type.bytes == 1) return ElementType::u8;
  return std::nullopt;
}

class KerasFile : public WeightFile {
 public:
  KerasFile(const std::filesystem::path& path, std::unique_ptr<const ByteSource> bytes)
      : WeightFile(path, "Keras", Layout::outputs_last), bytes_(std::move(bytes)) {
    KerasContent content = hdf5::in_place(path.string() + ": ", [&] {
      const LimitedSource source(*bytes_);
      return read_keras(hdf5::Structures(source, hdf5::Versions::all));
    });
    set_order_fault(std::move(content.order_fault));
    for (const KerasArray& array : content.arrays) add_array(array);
  }

 private:
  struct Place {
    uint64_t begin = 0, bytes = 0;
  };

  void add_array(const KerasArray& array) {
    const auto type = type_of(array.array.type);
    check(type.has_value(), path().string(), ": array '", array.name,
          "': expected elements of the types f64, f32, f16, bf16, i64, i32, i16, i8 and u8");
    const std::vector<uint64_t>& sizes = array.array.sizes;
    check(sizes.size() <= Shape::kMaxRank, path().string(), ": array '", array.name, "' has ",
          sizes.size(), " axes, expected at most ", Shape::kMaxRank);
    Shape shape;
    for (const uint64_t size : sizes) shape.append(static_cast<int64_t>(size));
    add({array.name, *type, shape});
    places_.push_back({array.array.address, array.array.bytes});
  }

  std::vector<uint8_t> read_bytes(size_t index) const override {
    std::vector<uint8_t> bytes(places_[index].bytes);  // lies inside the file
    bytes_->read(places_[index].begin, bytes);
    return bytes;
  }

  std::unique_ptr<const ByteSource> bytes_;
  std::vector<Place> places_;
};

}  // namespace

std::unique_ptr<WeightFile> open_keras(const std::filesystem::path& path) {
  return std::make_unique<KerasFile>(path, std::make_unique<const ByteFile>(path));
}

std::unique_ptr<WeightFile> open_keras_zip(std::unique_ptr<const ZipFile> zip) {
  const std::filesystem::path path = zip->path();
  return std::make_unique<KerasFile>(path, std::make_unique<const EntrySource>(std::move(zip)));
}

}  // namespace d2l::weights
