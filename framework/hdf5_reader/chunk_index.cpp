#include "framework/hdf5_reader/chunk_index.h"

#include <algorithm>
#include <bit>
#include <string>
#include <utility>

namespace d2l::hdf5 {
namespace {

enum class IndexKind : uint64_t { single = 1, fixed_array = 3, extensible_array = 4 };

// The common part of both kinds of array: a header, and blocks of entries that refer to it.
class ArrayReader {
 public:
  ArrayReader(const Structures& file, uint64_t address, uint64_t count)
      : file_(file), address_(address), count_(count) {}

  std::vector<StoredChunk> chunks() && { return std::move(chunks_); }

 protected:
  static constexpr uint64_t kFront = 4 + 1 + 1 + 8;  // signature, version, filtered, header

  const Structures& file() const { return file_; }
  uint64_t entry_bytes() const { return entry_bytes_; }
  uint64_t left() const { return count_ - chunks_.size(); }

  void begin_header(Cursor& cursor) {
    require_version(cursor.number(1), 0, 0, "the index of chunks");
    require_sound(cursor.number(1) == 1, "an index of chunks without filters");
    entry_bytes_ = cursor.number(1);
    require_sound(entry_bytes_ > 12 && entry_bytes_ <= 20, "an index with entries of ",
                  entry_bytes_, " bytes");
    require_sound(count_ <= file_.end() / entry_bytes_, "expected an index of ", count_,
                  " chunks in a file of ", file_.end(), " bytes");
    chunks_.reserve(count_);
  }

  void begin_block(Cursor& cursor) const {
    require_version(cursor.number(1), 0, 0, "the index of chunks");
    require_sound(cursor.number(1) == 1 && cursor.address() == address_,
                  "a block of another index");
  }

  // Reads the next chunks, at most `most`.
  void take(Cursor& cursor, uint64_t most) {
    for (uint64_t i = std::min(most, left()); i > 0; --i) {
      const uint64_t address = cursor.address(), bytes = cursor.number(entry_bytes_ - 12);
      chunks_.push_back({address, bytes, static_cast<uint32_t>(cursor.number(4))});
    }
  }

  // Reads a block of `entries`. A block with more than `page` entries has pages with their own
  // checksums. `front`: the bytes before the entries.
  void take_block(uint64_t at, const char* signature, uint64_t front, uint64_t entries,
                  uint64_t page) {
    const bool paged = entries > page;
    const std::vector<uint8_t> block =
        file_.checked(at, front + (paged ? 0 : entries * entry_bytes_) + 4, signature);
    Cursor cursor(block);
    begin_block(cursor);
    cursor.skip(front - kFront);
    if (!paged) return take(cursor, entries);
    at += front + 4;
    for (uint64_t begin = 0; begin < entries && left() > 0; begin += page) {
      const uint64_t size = std::min(page, entries - begin) * entry_bytes_ + 4;
      const std::vector<uint8_t> content = file_.checked(at, size, "");
      Cursor inside(content);
      take(inside, page);
      at += size;
    }
  }

 private:
  const Structures& file_;
  uint64_t address_, count_, entry_bytes_ = 0;
  std::vector<StoredChunk> chunks_;
};

// The index of a dataset that cannot grow without limit: one block.
class FixedArrayReader : public ArrayReader {
 public:
  FixedArrayReader(const Structures& structures, uint64_t address, uint64_t count)
      : ArrayReader(structures, address, count) {
    const std::vector<uint8_t> header = structures.checked(address, 28, "FAHD");
    Cursor cursor(header);
    begin_header(cursor);
    const uint64_t page_bits = cursor.number(1), entries = cursor.number(8);
    require_sound(page_bits < 32 && count <= entries && entries <= kMostChunks,
                  "expected an index of ", count, " chunks, found ", entries);
    const uint64_t page = uint64_t{1} << page_bits, pages = (entries - 1) / page + 1;
    // one bit per page
    const uint64_t front = kFront + (entries > page ? (pages + 7) / 8 : 0);
    take_block(cursor.address(), "FADB", front, entries, page);
  }
};

// The index of a dataset that may grow without limit. Its blocks become larger and larger: group g
// has 2^(g / 2) blocks of 2^((g + 1) / 2) times the smallest one's entries. The index block holds
// the first entries and the addresses of the first groups' blocks; later groups have blocks of
// addresses of their own.
class ExtensibleArrayReader : public ArrayReader {
 public:
  ExtensibleArrayReader(const Structures& structures, uint64_t address, uint64_t count)
      : ArrayReader(structures, address, count) {
    const std::vector<uint8_t> header = structures.checked(address, 72, "EAHD");
    Cursor cursor(header);
    begin_header(cursor);
    const uint64_t index_bits = cursor.number(1), in_index = cursor.number(1);
    smallest_ = cursor.number(1);
    const uint64_t pointers = cursor.number(1), page_bits = cursor.number(1);
    cursor.skip(6 * 8);  // statistics
    require_sound(index_bits <= 64 && page_bits < 32 && std::has_single_bit(smallest_) &&
                      std::has_single_bit(pointers) && pointers > 1,
                  "an index of blocks of ", smallest_, " entries and ", pointers, " pointers");
    page_ = uint64_t{1} << page_bits;
    offset_bytes_ = (index_bits + 7) / 8;
    const uint64_t groups = 1 + index_bits - std::min(index_bits, log2(smallest_));
    const uint64_t near_groups = 2 * log2(pointers), near_blocks = 2 * (pointers - 1);
    require_sound(near_groups <= groups, "an index of ", groups, " groups");
    const std::vector<uint8_t> block = structures.checked(
        cursor.address(),
        kFront + in_index * entry_bytes() + (near_blocks + groups - near_groups) * 8 + 4, "EAIB");
    Cursor index(block);
    begin_block(index);
    Cursor entries(index.take(in_index * entry_bytes()));
    take(entries, in_index);
    for (uint64_t group = 0; group < groups && left() > 0; ++group)
      if (group < near_groups)
        take_group(index, group);
      else
        take_far_group(index.address(), group);
  }

 private:
  static uint64_t log2(uint64_t power) { return std::bit_width(power) - 1; }

  static uint64_t blocks_in(uint64_t group) { return uint64_t{1} << group / 2; }

  uint64_t entries_in(uint64_t group) const {
    const uint64_t entries = smallest_ << (group + 1) / 2;
    require_sound(entries <= kMostChunks, "an index with a block of ", entries, " entries");
    return entries;
  }

  // Reads all blocks of a group; takes their addresses from `addresses`.
  void take_group(Cursor& addresses, uint64_t group) {
    for (uint64_t block = 0; block < blocks_in(group); ++block) {
      const uint64_t at = addresses.address();
      if (left() > 0) take_block(at, "EADB", kFront + offset_bytes_, entries_in(group), page_);
    }
  }

  void take_far_group(uint64_t at, uint64_t group) {
    const uint64_t blocks = blocks_in(group), entries = entries_in(group);
    const uint64_t pages = entries > page_ ? entries / page_ : 0;  // one bit per page
    const uint64_t front = kFront + offset_bytes_ + blocks * ((pages + 7) / 8);
    const std::vector<uint8_t> table = file().checked(at, front + blocks * 8 + 4, "EASB");
    Cursor cursor(table);
    begin_block(cursor);
    cursor.skip(front - kFront);
    take_group(cursor, group);
  }

  uint64_t smallest_ = 0, page_ = 0, offset_bytes_ = 0;
};

}  // namespace

std::vector<StoredChunk> read_chunk_index(const Structures& file, Cursor layout, uint64_t count) {
  const uint64_t kind = layout.number(1);
  switch (static_cast<IndexKind>(kind)) {
    case IndexKind::single: {
      require_sound(count == 1, "an index of 1 chunk, expected ", count);
      const uint64_t bytes = layout.number(8), left_out = layout.number(4);
      return {{layout.address(), bytes, static_cast<uint32_t>(left_out)}};
    }
    case IndexKind::fixed_array:
      layout.skip(1);  // also stated in the index itself
      return FixedArrayReader(file, layout.address(), count).chunks();
    case IndexKind::extensible_array:
      layout.skip(5);
      return ExtensibleArrayReader(file, layout.address(), count).chunks();
  }
  throw FormatError(concat("its chunks have an index of kind ", kind,
                           "; expected one of a dataset that does not grow, or along the first "
                           "axis only"));
}

}  // namespace d2l::hdf5
