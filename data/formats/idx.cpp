#include "data/formats/idx.h"

#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <utility>

#include "data/folder_content.h"
#include "data/gzip.h"
#include "data/memory_dataset.h"
#include "framework/base/error.h"
#include "framework/base/files.h"

namespace d2l::data {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSpellings = "(or .idx instead of -idx, each also with .gz)";
constexpr uint8_t kUnsignedBytes = 0x08;
constexpr int kMostAxes = 4;
constexpr size_t kPiece = size_t{1} << 20;
// Deflate's limit: 258 bytes from two bits.
constexpr uint64_t kLargestRatio = 1032;

const char* type_name(uint8_t type) {
  switch (type) {
    case 0x09:
      return "signed bytes";
    case 0x0b:
      return "16-bit integers";
    case 0x0c:
      return "32-bit integers";
    case 0x0d:
      return "32-bit floats";
    case 0x0e:
      return "64-bit floats";
    default:
      return "an unknown type";
  }
}

std::string hexadecimal(uint8_t byte) {
  char text[8];
  std::snprintf(text, sizeof text, "0x%02x", static_cast<unsigned>(byte));
  return text;
}

// The number of axes, from the file's first four bytes.
int axes_of(const std::vector<uint8_t>& bytes, const std::string& name) {
  check(bytes.size() >= 4, name, ": expected an IDX file, found only ", bytes.size(), " bytes");
  check(bytes[0] == 0 && bytes[1] == 0, name,
        ": expected an IDX file, which begins with two zero bytes, found ", hexadecimal(bytes[0]),
        " ", hexadecimal(bytes[1]));
  check(bytes[2] == kUnsignedBytes, name, ": expected unsigned bytes (type 0x08), found ",
        type_name(bytes[2]), " (", hexadecimal(bytes[2]), ")");
  check(bytes[3] >= 1 && bytes[3] <= kMostAxes, name, ": expected 1 to ", kMostAxes,
        " axes, found ", static_cast<int>(bytes[3]));
  return bytes[3];
}

size_t header_size(int axes) { return 4 + 4 * static_cast<size_t>(axes); }

// The sizes in a header. Throws Error if their product exceeds `most`.
Shape shape_of(const std::vector<uint8_t>& header, uint64_t most, const std::string& name) {
  const int axes = header[3];
  check(header.size() >= header_size(axes), name, ": expected a header of ", header_size(axes),
        " bytes, found only ", header.size());
  Shape shape;
  uint64_t elements = 1;
  bool too_many = false;
  for (int axis = 0; axis < axes; ++axis) {
    const uint8_t* at = header.data() + 4 + 4 * axis;
    const uint64_t size =
        uint64_t{at[0]} << 24 | uint64_t{at[1]} << 16 | uint64_t{at[2]} << 8 | at[3];
    shape.append(static_cast<int64_t>(size));
    check(size > 0, name, ": axis ", axis, " has size 0");
    too_many = too_many || size > most / elements;
    if (!too_many) elements *= size;
  }
  check(!too_many, name, ": its header promises elements of shape ", shape,
        ", the file can hold at most ", most, " bytes");
  return shape;
}

IdxArray read_plain(std::vector<uint8_t> bytes, const std::string& name) {
  const size_t header = header_size(axes_of(bytes, name));
  const uint64_t content = bytes.size() > header ? bytes.size() - header : 0;
  IdxArray array;
  array.shape = shape_of(bytes, content, name);
  const uint64_t expected = static_cast<uint64_t>(array.shape.elements());
  check(content == expected, name, ": elements of shape ", array.shape, " need ", expected,
        " bytes, found ", content);
  bytes.erase(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(header));
  array.bytes = std::move(bytes);
  return array;
}

IdxArray read_gzip(const std::vector<uint8_t>& compressed, const std::string& name) {
  Inflater inflater(compressed, name);
  std::vector<uint8_t> header;
  inflater.read(4, header);
  inflater.read(header_size(axes_of(header, name)) - 4, header);
  IdxArray array;
  array.shape = shape_of(header, compressed.size() * kLargestRatio, name);
  const uint64_t expected = static_cast<uint64_t>(array.shape.elements());
  // one byte more detects content beyond the header's sizes, and reaching the end verifies the
  // checksum
  inflater.read(expected + 1, array.bytes);
  check(array.bytes.size() == expected, name, ": elements of shape ", array.shape, " need ",
        expected, " bytes, found ",
        array.bytes.size() > expected ? "more" : std::to_string(array.bytes.size()));
  return array;
}

void write_gzip(const fs::path& path, std::span<const uint8_t> bytes) {
  gzFile file = gzopen(path.c_str(), "wb6");
  check(file != nullptr, "cannot write ", path.string(), ": ", std::strerror(errno));
  bool good = true;
  for (size_t at = 0; good && at < bytes.size(); at += kPiece) {
    const unsigned count = static_cast<unsigned>(std::min(kPiece, bytes.size() - at));
    good = gzwrite(file, bytes.data() + at, count) == static_cast<int>(count);
  }
  good = gzclose(file) == Z_OK && good;
  check(good, "cannot write ", path.string(), ": ", std::strerror(errno));
}

void write_plain(const fs::path& path, std::span<const uint8_t> bytes) {
  std::ofstream stream(path, std::ios::binary | std::ios::trunc);
  stream.write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
  stream.close();
  check(stream.good(), "cannot write ", path.string(), ": ", std::strerror(errno));
}

// "train-images" -> "train-images-idx3-ubyte"
std::string official_name(const std::string& stem) {
  return stem + (stem.ends_with("images") ? "-idx3-ubyte" : "-idx1-ubyte");
}

// The first existing spelling of the file.
std::optional<fs::path> find_spelling(const fs::path& folder, const std::string& stem) {
  std::string name = official_name(stem);
  for (const char dot : {'-', '.'}) {
    name[stem.size()] = dot;
    for (const char* end : {"", ".gz"})
      if (holds_file(folder / (name + end))) return folder / (name + end);
  }
  return {};
}

std::string split_name(Split split) { return split == Split::train ? "train" : "t10k"; }

}  // namespace

std::optional<IdxFiles> find_idx(const fs::path& folder, Split split) {
  const std::string images = split_name(split) + "-images", labels = split_name(split) + "-labels";
  const auto found_images = find_spelling(folder, images);
  const auto found_labels = find_spelling(folder, labels);
  if (!found_images && !found_labels) return {};
  check(found_images && found_labels, folder.string(), ": expected ",
        official_name(found_images ? labels : images), " ", kSpellings, " beside ",
        (found_images ? found_images : found_labels)->filename().string(), ", but the folder ",
        content_text(folder, "ubyte"));
  return IdxFiles{*found_images, *found_labels};
}

std::string idx_names(Split split) {
  return concat(official_name(split_name(split) + "-images"), " and ",
                official_name(split_name(split) + "-labels"), " ", kSpellings);
}

IdxArray parse_idx(std::vector<uint8_t> bytes, const std::string& name) {
  return is_gzip(bytes) ? read_gzip(bytes, name) : read_plain(std::move(bytes), name);
}

IdxArray read_idx(const fs::path& path) { return parse_idx(read_bytes(path), path.string()); }

void write_idx(const fs::path& path, const Shape& shape, std::span<const uint8_t> bytes) {
  check(shape.rank() >= 1 && shape.rank() <= kMostAxes, path.string(), ": IDX files have 1 to ",
        kMostAxes, " axes, found shape ", shape);
  check(shape.elements() > 0 && static_cast<uint64_t>(shape.elements()) == bytes.size(),
        path.string(), ": shape ", shape, " needs ", shape.elements(), " bytes, found ",
        bytes.size());
  std::vector<uint8_t> content{0, 0, kUnsignedBytes, static_cast<uint8_t>(shape.rank())};
  for (int64_t size : shape) {
    check(size <= UINT32_MAX, path.string(), ": an axis of ", size, " does not fit an IDX file");
    for (int shift = 24; shift >= 0; shift -= 8)
      content.push_back(static_cast<uint8_t>(size >> shift));
  }
  content.insert(content.end(), bytes.begin(), bytes.end());
  replace_file(path, [&](const fs::path& temporary) {
    if (path.extension() == ".gz")
      write_gzip(temporary, content);
    else
      write_plain(temporary, content);
  });
}

std::unique_ptr<Dataset> open_idx(const fs::path& images, const fs::path& labels,
                                  DatasetInfo info) {
  // labels first: they are small, so a misplaced file is detected at once
  IdxArray label_array = read_idx(labels);
  check(label_array.shape.rank() == 1, labels.string(),
        ": expected labels (one axis), found elements of shape ", label_array.shape,
        label_array.shape.rank() >= 3 ? ", which look like images" : "");
  IdxArray image_array = read_idx(images);
  const Shape& shape = image_array.shape;
  check(shape.rank() == 3 || shape.rank() == 4, images.string(),
        ": expected images (three or four axes), found elements of shape ", shape,
        shape.rank() == 1 ? ", which look like labels" : "");
  check(shape[0] == label_array.shape[0], images.string(), " has ", shape[0], " images, but ",
        labels.string(), " has ", label_array.shape[0], " labels");
  const uint8_t largest = *std::max_element(label_array.bytes.begin(), label_array.bytes.end());
  if (info.classes == 0) info.classes = largest + 1;
  for (size_t i = 0; largest >= info.classes && i < label_array.bytes.size(); ++i)
    check(label_array.bytes[i] < info.classes, labels.string(), ": expected labels in [0, ",
          info.classes, "), sample ", i, " has ", static_cast<int>(label_array.bytes[i]));
  info.shape = {shape[1], shape[2], shape.rank() == 4 ? shape[3] : 1};
  return std::make_unique<MemoryDataset>(std::move(info), std::move(image_array.bytes),
                                         std::move(label_array.bytes));
}

}  // namespace d2l::data
