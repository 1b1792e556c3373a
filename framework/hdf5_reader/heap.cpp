#include "framework/hdf5_reader/heap.h"

#include <algorithm>
#include <bit>

#include "framework/base/checksum.h"

namespace d2l::hdf5 {
namespace {

// More than a shard needs, and bounds the work on a malicious file.
constexpr uint64_t kMostRecords = 1024;
constexpr uint64_t kMostNodeBytes = uint64_t{1} << 16;
constexpr uint64_t kMostDepth = 4;
constexpr uint64_t kMostBlockBytes = uint64_t{1} << 18;
constexpr uint64_t kMostHeapBytes = uint64_t{1} << 22;

// The number of bytes for numbers up to `limit`.
size_t width_of(uint64_t limit) { return (static_cast<size_t>(std::bit_width(limit)) + 7) / 8; }

// Reads nodes of a B-tree from the root down.
class TreeReader {
 public:
  TreeReader(const Structures& file, uint64_t address, RecordType type) : file_(file) {
    const std::vector<uint8_t> header = file.checked(address, 38, "BTHD");
    Cursor cursor(header);
    check_head(cursor, type);
    node_bytes_ = cursor.number(4);
    record_bytes_ = cursor.number(2);
    const uint64_t depth = cursor.number(2);
    cursor.skip(2);  // split and merge percentages
    const uint64_t root = cursor.address(), records = cursor.number(2), total = cursor.number(8);
    require(total <= kMostRecords, "expected at most ", kMostRecords,
            " attributes or links, found ", total);
    require_sound(node_bytes_ <= kMostNodeBytes && depth <= kMostDepth, "an index ", depth,
                  " deep, in nodes of ", node_bytes_, " bytes");
    require_sound(record_bytes_ > 0 && node_bytes_ > kNodeFrame + record_bytes_,
                  "index nodes that hold nothing");
    measure(depth);
    if (root != kNoAddress) read(root, records, depth);
    require_sound(records_.size() == total, "an index of ", total, " entries holds ",
                  records_.size());
  }

  std::vector<std::vector<uint8_t>> records() && { return std::move(records_); }

 private:
  static constexpr uint64_t kNodeFrame = 10;  // signature, version, type, checksum

  void check_head(Cursor& cursor, RecordType type) {
    require_version(cursor.number(1), 0, 0, "an index");
    type_ = cursor.number(1);
    require_sound(type_ == static_cast<uint64_t>(type), "expected an index of type ",
                  static_cast<int>(type), ", found ", type_);
  }

  // Computes the bytes of a child pointer at each depth.
  void measure(uint64_t depth) {
    const uint64_t in_leaf = (node_bytes_ - kNodeFrame) / record_bytes_;
    count_bytes_ = width_of(in_leaf);
    uint64_t below = in_leaf;
    total_bytes_ = {0, 0};
    for (uint64_t level = 1; level <= depth; ++level) {
      const uint64_t pointer = 8 + count_bytes_ + total_bytes_[level];
      require_sound(node_bytes_ > kNodeFrame + pointer, "index nodes that hold nothing");
      const uint64_t here = (node_bytes_ - kNodeFrame - pointer) / (record_bytes_ + pointer);
      below = (here + 1) * below + here;
      total_bytes_.push_back(width_of(below));
    }
  }

  void read(uint64_t address, uint64_t count, uint64_t depth) {
    require_sound(count <= node_bytes_ / record_bytes_, "an index node of ", count, " entries");
    const uint64_t pointer = depth > 0 ? 8 + count_bytes_ + total_bytes_[depth] : 0;
    const uint64_t size =
        kNodeFrame + count * record_bytes_ + (depth > 0 ? (count + 1) * pointer : 0);
    const std::vector<uint8_t> node = file_.checked(address, size, depth > 0 ? "BTIN" : "BTLF");
    Cursor cursor(node);
    check_head(cursor, static_cast<RecordType>(type_));
    for (uint64_t i = 0; i < count; ++i) {
      const std::span<const uint8_t> record = cursor.take(record_bytes_);
      require_sound(records_.size() < kMostRecords, "an index of too many entries");
      records_.emplace_back(record.begin(), record.end());
    }
    for (uint64_t i = 0; depth > 0 && i <= count; ++i) {
      const uint64_t child = cursor.address(), in_child = cursor.number(count_bytes_);
      cursor.skip(total_bytes_[depth]);
      require_sound(++nodes_ <= kMostRecords, "an index of too many nodes");
      read(child, in_child, depth - 1);
    }
  }

  const Structures& file_;
  uint64_t type_ = 0, node_bytes_ = 0, record_bytes_ = 0, nodes_ = 0;
  size_t count_bytes_ = 0;
  std::vector<size_t> total_bytes_;  // by depth
  std::vector<std::vector<uint8_t>> records_;
};

}  // namespace

std::vector<std::vector<uint8_t>> read_records(const Structures& file, uint64_t address,
                                               RecordType type) {
  return TreeReader(file, address, type).records();
}

Heap::Heap(const Structures& file, uint64_t address) : file_(file), address_(address) {
  const std::vector<uint8_t> header = file.checked(address, 146, "FRHP");
  Cursor cursor(header);
  require_version(cursor.number(1), 0, 0, "a heap");
  id_bytes_ = cursor.number(2);
  require_sound(cursor.number(2) == 0, "a heap that is compressed");
  checksums_ = cursor.number(1) & 2;
  const uint64_t largest = cursor.number(4);
  cursor.skip(8);  // the next huge object's ID
  huge_objects_ = cursor.address();
  cursor.skip(10 * 8);  // free space and numbers of objects
  width_ = cursor.number(2);
  first_bytes_ = cursor.number(8);
  most_bytes_ = cursor.number(8);
  const uint64_t address_bits = cursor.number(2);
  cursor.skip(2);  // initial rows
  root_ = cursor.address();
  rows_ = cursor.number(2);
  require_sound(std::has_single_bit(first_bytes_) && std::has_single_bit(most_bytes_) &&
                    first_bytes_ <= most_bytes_ && most_bytes_ <= kMostBlockBytes,
                "a heap in blocks of ", first_bytes_, " to ", most_bytes_, " bytes");
  require_sound(width_ > 0 && width_ <= 64 && address_bits > 0 && address_bits <= 64,
                "a heap with a table of ", width_, " columns");
  offset_bytes_ = (address_bits + 7) / 8;
  length_bytes_ = std::min(width_of(most_bytes_ - 1), width_of(largest));
  require_sound(length_bytes_ > 0, "a heap of empty objects");
  blocks_ = read_table();
}

uint64_t Heap::row_bytes(uint64_t row) const {
  return row == 0 ? first_bytes_ : first_bytes_ << (row - 1);
}

std::vector<Heap::Block> Heap::read_table() const {
  if (root_ == kNoAddress) return {};
  if (rows_ == 0) return {{root_, 0, first_bytes_}};
  // Larger heaps have nested tables.
  const uint64_t most_rows = static_cast<uint64_t>(std::bit_width(most_bytes_ / first_bytes_)) + 1;
  require(rows_ <= most_rows, "expected at most ", width_ * 2 * most_bytes_,
          " bytes of attributes or links in a heap");
  const std::vector<uint8_t> table =
      file_.checked(root_, 4 + 1 + 8 + offset_bytes_ + rows_ * width_ * 8 + 4, "FHIB");
  Cursor cursor(table);
  require_version(cursor.number(1), 0, 0, "a heap's table");
  require_sound(cursor.address() == address_, "a heap's table belongs to another heap");
  cursor.skip(offset_bytes_);
  std::vector<Block> blocks;
  uint64_t offset = 0;
  for (uint64_t row = 0; row < rows_; ++row)
    for (uint64_t column = 0; column < width_; ++column) {
      blocks.push_back({cursor.address(), offset, row_bytes(row)});
      offset += row_bytes(row);
    }
  return blocks;
}

void Heap::open(const Block& block) {
  if (block.address == opened_.address) return;
  const size_t front = 4 + 1 + 8 + offset_bytes_ + (checksums_ ? 4 : 0);
  require_sound(block.bytes > front, "a heap's block that holds nothing");
  std::vector<uint8_t> content = file_.read(block.address, block.bytes);
  Cursor cursor(content);
  cursor.signature("FHDB");
  require_version(cursor.number(1), 0, 0, "a heap's block");
  require_sound(cursor.address() == address_, "a heap's block belongs to another heap");
  cursor.skip(offset_bytes_);
  if (checksums_) {
    const uint64_t expected = cursor.number(4);
    std::fill_n(content.begin() + static_cast<ptrdiff_t>(front - 4), 4, uint8_t{0});
    require_sound(checksums_agree(expected, lookup3(content)), "a checksum is wrong at ",
                  block.address);
  }
  content_ = std::move(content);
  opened_ = block;
}

std::vector<uint8_t> Heap::object(std::span<const uint8_t> id) {
  Cursor cursor(id);
  const uint64_t kind = cursor.number(1) >> 4;
  require_sound(kind <= 1, "an object of a heap, of kind ", kind);
  std::vector<uint8_t> bytes = kind == 0 ? managed(cursor) : huge(cursor);
  taken_ += bytes.size();
  require(taken_ <= kMostHeapBytes, "expected at most ", kMostHeapBytes,
          " bytes of attributes or links");
  return bytes;
}

std::vector<uint8_t> Heap::managed(Cursor id) {
  const uint64_t offset = id.number(offset_bytes_), length = id.number(length_bytes_);
  auto block = std::find_if(blocks_.begin(), blocks_.end(), [&](const Block& candidate) {
    return offset >= candidate.offset && offset - candidate.offset < candidate.bytes;
  });
  require_sound(block != blocks_.end() && block->address != kNoAddress,
                "an object beyond its heap");
  open(*block);
  Cursor cursor(content_);
  cursor.skip(offset - block->offset);
  const std::span<const uint8_t> bytes = cursor.take(length);
  return {bytes.begin(), bytes.end()};
}

std::vector<uint8_t> Heap::huge(Cursor id) {
  const uint64_t wanted = id.number(std::min<size_t>(id.left(), 8));
  if (huge_records_.empty())
    huge_records_ = read_records(file_, huge_objects_, RecordType::huge_object);
  for (const std::vector<uint8_t>& record : huge_records_) {
    Cursor cursor(record);
    const uint64_t at = cursor.address(), length = cursor.number(8);
    if (cursor.number(8) != wanted) continue;
    require(length <= kMostHeapBytes, "expected at most ", kMostHeapBytes,
            " bytes of attributes or links");
    return file_.read(at, length);
  }
  throw FormatError("the HDF5 structure is damaged (an object that its heap lacks)");
}

}  // namespace d2l::hdf5
