#include "framework/hdf5_reader/old_group.h"

#include <algorithm>
#include <utility>

namespace d2l::hdf5 {
namespace {

constexpr uint64_t kMostDepth = 8;
constexpr uint64_t kMostEntries = 1024;  // of a node or table
constexpr size_t kMostLinks = size_t{1} << 16;

class SymbolTableReader {
 public:
  SymbolTableReader(const Structures& file, uint64_t tree, uint64_t heap) : file_(file) {
    read_names(heap);
    const uint64_t level = read_node(tree, std::nullopt);
    require_sound(level <= kMostDepth, "a group's index ", level, " deep");
  }

  std::vector<Link> links() && { return std::move(links_); }

 private:
  void read_names(uint64_t heap) {
    const std::vector<uint8_t> header = file_.read(heap, 32);
    Cursor cursor(header);
    cursor.signature("HEAP");
    require_version(cursor.number(1), 0, 0, "a group's heap");
    cursor.skip(3);
    const uint64_t bytes = cursor.number(8);
    cursor.skip(8);  // the list of free parts
    names_ = file_.read(cursor.address(), bytes);
  }

  // Returns the node's level. The levels go down to 0, whose children are tables of symbols.
  uint64_t read_node(uint64_t address, std::optional<uint64_t> expected_level) {
    const std::vector<uint8_t> front = file_.read(address, 24);
    Cursor cursor(front);
    cursor.signature("TREE");
    require_sound(cursor.number(1) == 0, "a group's index has entries of another kind");
    const uint64_t level = cursor.number(1), entries = cursor.number(2);
    require_sound(level == expected_level.value_or(level) && level <= kMostDepth,
                  "a node of a group's index on level ", level);
    require_sound(entries <= kMostEntries, "a node of a group's index with ", entries, " entries");
    const std::vector<uint8_t> children = file_.read(address + 24, entries * 16);
    for (Cursor child(children); child.left() > 0;) {
      child.skip(8);  // a name that sorts before those of the child
      if (level == 0)
        read_table(child.address());
      else
        read_node(child.address(), level - 1);
    }
    return level;
  }

  void read_table(uint64_t address) {
    const std::vector<uint8_t> front = file_.read(address, 8);
    Cursor cursor(front);
    cursor.signature("SNOD");
    require_version(cursor.number(1), 1, 1, "a group's table");
    cursor.skip(1);
    const uint64_t entries = cursor.number(2);
    require_sound(entries <= kMostEntries, "a group's table with ", entries, " entries");
    const std::vector<uint8_t> table = file_.read(address + 8, entries * 40);
    for (Cursor entry(table); entry.left() > 0;) {
      const uint64_t name = entry.number(8), object = entry.address(), kind = entry.number(4);
      entry.skip(20);
      constexpr uint64_t kSoftLink = 2;
      add(name, kind == kSoftLink ? std::nullopt : std::optional(object));
    }
  }

  // Names are sorted; otherwise the HDF5 library, which searches them, could see another file.
  void add(uint64_t offset, std::optional<uint64_t> address) {
    require_sound(offset < names_.size(), "a name beyond its heap");
    const auto begin = names_.begin() + static_cast<ptrdiff_t>(offset);
    const auto end = std::find(begin, names_.end(), uint8_t{0});
    require_sound(end != names_.end(), "a name without an end");
    Link link{{begin, end}, address};
    name_bytes_ += link.name.size() + 1;
    require_sound(name_bytes_ <= names_.size() && links_.size() < kMostLinks,
                  "a group with more names than its heap has");
    require_sound(links_.empty() || links_.back().name < link.name,
                  "a group whose names are not sorted");
    links_.push_back(std::move(link));
  }

  const Structures& file_;
  std::vector<uint8_t> names_;
  size_t name_bytes_ = 0;
  std::vector<Link> links_;
};

}  // namespace

std::vector<Link> read_symbol_table(const Structures& file, const Message& message) {
  Cursor cursor(message.bytes);
  const uint64_t tree = cursor.address(), heap = cursor.address();
  return SymbolTableReader(file, tree, heap).links();
}

}  // namespace d2l::hdf5
