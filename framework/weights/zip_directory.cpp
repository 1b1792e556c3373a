#include "framework/weights/zip_directory.h"

#include <algorithm>
#include <initializer_list>
#include <unordered_set>
#include <utility>

#include "framework/base/error.h"
#include "framework/weights/byte_reader.h"

// The numbers of sections are those of APPNOTE.TXT.

namespace d2l::weights {
namespace {

constexpr uint64_t kMostDirectoryBytes = uint64_t{1} << 26;
constexpr uint32_t kIn64 = 0xffffffff;  // the number is in the ZIP64 extra field
constexpr uint64_t kEndBytes = 22, kLocatorBytes = 20, kEnd64Bytes = 56;  // without comments
constexpr uint64_t kLocalHeaderBytes = 30, kDirectoryHeaderBytes = 46;

constexpr uint16_t kEncrypted = 1 << 0, kSizesFollow = 1 << 3, kPatch = 1 << 5, kMasked = 1 << 13;
constexpr uint16_t kStored = 0, kDeflated = 8;

// Where the directory is.
struct DirectoryPlace {
  uint64_t entries = 0, bytes = 0, offset = 0;
  uint64_t end = 0;  // where the records after the directory begin
};

// A header in the directory or before an entry.
struct Header {
  std::string name;
  uint16_t flags = 0, method = 0;
  uint32_t checksum = 0;
  uint64_t stored_bytes = 0, bytes = 0;
  uint64_t offset = 0;  // of the header before the entry
};

ByteReader reader_of(const std::vector<uint8_t>& bytes, const ByteFile& file) {
  return {bytes, concat(file.path().string(), ": the ZIP archive is damaged")};
}

// 4.3.14 and 4.3.15. `place` is what the older record says: its numbers are all ones, or agree.
DirectoryPlace read_place64(const ByteFile& file, uint64_t offset, uint64_t locator,
                            const DirectoryPlace& place) {
  const std::string path = file.path().string();
  check(locator >= kEnd64Bytes && offset <= locator - kEnd64Bytes, path,
        ": the ZIP64 record is at byte ", offset, ", expected it before byte ", locator);
  const std::vector<uint8_t> bytes = file.read(offset, kEnd64Bytes);
  ByteReader reader = reader_of(bytes, file);
  const bool is_record = reader.number<uint32_t>() == 0x06064b50;
  const auto size = reader.number<uint64_t>();
  check(is_record && size == locator - offset - 12, path, ": expected a ZIP64 record at byte ",
        offset);
  reader.skip(4);  // versions
  const auto disk = reader.number<uint32_t>(), first_disk = reader.number<uint32_t>();
  const auto on_disk = reader.number<uint64_t>();
  DirectoryPlace result;
  result.entries = reader.number<uint64_t>();
  result.bytes = reader.number<uint64_t>();
  result.offset = reader.number<uint64_t>();
  result.end = offset;
  check(disk == 0 && first_disk == 0 && on_disk == result.entries, path,
        ": is one part of a ZIP archive of several parts");
  check((place.entries == 0xffff || place.entries == result.entries) &&
            (place.bytes == kIn64 || place.bytes == result.bytes) &&
            (place.offset == kIn64 || place.offset == result.offset),
        path, ": the ZIP archive has two end records that disagree");
  return result;
}

// 4.3.16. `bytes` are the last bytes of the file and begin with the record.
DirectoryPlace read_place(const ByteFile& file, const std::vector<uint8_t>& bytes) {
  ByteReader reader = reader_of(bytes, file);
  reader.skip(4);  // the signature
  const auto disk = reader.number<uint16_t>(), first_disk = reader.number<uint16_t>();
  const auto on_disk = reader.number<uint16_t>();
  DirectoryPlace place;
  place.entries = reader.number<uint16_t>();
  place.bytes = reader.number<uint32_t>();
  place.offset = reader.number<uint32_t>();
  place.end = file.size() - bytes.size();
  check((disk == 0 || disk == 0xffff) && (first_disk == 0 || first_disk == 0xffff) &&
            on_disk == place.entries,
        file.path().string(), ": is one part of a ZIP archive of several parts");
  if (place.end < kLocatorBytes) return place;
  const uint64_t locator = place.end - kLocatorBytes;
  const std::vector<uint8_t> before = file.read(locator, kLocatorBytes);
  ByteReader locator_reader = reader_of(before, file);
  if (locator_reader.number<uint32_t>() != 0x07064b50) return place;
  locator_reader.skip(4);  // the disk
  return read_place64(file, locator_reader.number<uint64_t>(), locator, place);
}

DirectoryPlace find_directory(const ByteFile& file) {
  constexpr uint64_t kMostComment = 0xffff;
  const std::string path = file.path().string();
  const uint64_t tail = std::min(file.size(), kEndBytes + kMostComment);
  std::vector<uint8_t> bytes = file.read(file.size() - tail, tail);
  constexpr uint8_t kSignature[] = {'P', 'K', 5, 6};
  const auto is_end = [&](uint64_t at) {
    return std::equal(std::begin(kSignature), std::end(kSignature), bytes.data() + at) &&
           bytes[at + 20] + 256u * bytes[at + 21] == tail - at - kEndBytes;
  };
  uint64_t at = tail < kEndBytes ? 0 : tail - kEndBytes + 1;  // one more than the next candidate
  while (at > 0 && !is_end(at - 1)) --at;
  check(at > 0, path, ": expected the directory of a ZIP archive at the end of the file, found ",
        "none: the file of ", file.size(), " bytes is cut off or damaged");
  bytes.erase(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(at - 1));
  const DirectoryPlace place = read_place(file, bytes);
  check(place.offset <= place.end && place.bytes == place.end - place.offset, path,
        ": the directory of the ZIP archive has ", place.bytes, " bytes from byte ", place.offset,
        " on, expected it to end at byte ", place.end);
  check(place.bytes <= kMostDirectoryBytes, path, ": the directory of the ZIP archive has ",
        place.bytes, " bytes, expected at most ", kMostDirectoryBytes);
  check(place.entries <= place.bytes / kDirectoryHeaderBytes, path, ": the ZIP archive claims ",
        place.entries, " entries in a directory of ", place.bytes, " bytes");
  return place;
}

// 4.5.3: the extra field has those of the numbers, in this order, that have no room elsewhere.
void read_extra(ByteReader extra, std::initializer_list<uint64_t*> numbers) {
  while (extra.left() >= 4) {
    const auto id = extra.number<uint16_t>(), size = extra.number<uint16_t>();
    ByteReader block = extra.part(size);
    if (id != 1) continue;
    for (uint64_t* number : numbers)
      if (*number == kIn64) *number = block.number<uint64_t>();
    return;
  }
}

// What both headers have: from the flags to the sizes.
void read_common(ByteReader& reader, Header& header) {
  header.flags = reader.number<uint16_t>();
  header.method = reader.number<uint16_t>();
  reader.skip(4);  // time and date
  header.checksum = reader.number<uint32_t>();
  header.stored_bytes = reader.number<uint32_t>();
  header.bytes = reader.number<uint32_t>();
}

// 4.3.12
Header read_directory_header(const ByteFile& file, ByteReader& reader) {
  const std::string path = file.path().string();
  check(reader.number<uint32_t>() == 0x02014b50, path,
        ": the directory of the ZIP archive is damaged");
  Header header;
  reader.skip(4);  // versions
  read_common(reader, header);
  const auto name = reader.number<uint16_t>(), extra = reader.number<uint16_t>();
  const auto comment = reader.number<uint16_t>(), disk = reader.number<uint16_t>();
  reader.skip(6);  // attributes
  header.offset = reader.number<uint32_t>();
  header.name = reader.text(name);
  read_extra(reader.part(extra), {&header.bytes, &header.stored_bytes, &header.offset});
  reader.skip(comment);
  check(disk == 0 || disk == 0xffff, path, ": is one part of a ZIP archive of several parts");
  return header;
}

void check_header(const Header& header, const std::string& place) {
  constexpr uint64_t kMostRatio = 1032;  // of deflate
  check((header.flags & (kEncrypted | kMasked)) == 0, place, " is encrypted");
  check((header.flags & kPatch) == 0, place, " is a patch of another file");
  check(header.method == kStored || header.method == kDeflated, place,
        " is compressed with method ", header.method, ", expected 0 (stored) or 8 (deflated)");
  if (header.method == kStored)
    check(header.bytes == header.stored_bytes, place, " is stored with ", header.stored_bytes,
          " bytes, expected its ", header.bytes, " bytes");
  else
    check(header.bytes / kMostRatio <= header.stored_bytes, place, " claims ", header.bytes,
          " bytes, but deflated data of ", header.stored_bytes, " bytes cannot have so many");
}

// 4.3.7. Returns where the entry's bytes begin; `end` is where the last entry must end.
uint64_t read_local_header(const ByteFile& file, const Header& header, uint64_t end,
                           const std::string& place) {
  check(end >= kLocalHeaderBytes && header.offset <= end - kLocalHeaderBytes, place,
        " begins at byte ", header.offset, ", expected it before the directory at byte ", end);
  const std::vector<uint8_t> bytes = file.read(header.offset, kLocalHeaderBytes);
  ByteReader reader = reader_of(bytes, file);
  check(reader.number<uint32_t>() == 0x04034b50, place, ": expected its header at byte ",
        header.offset);
  Header local;
  reader.skip(2);  // the version
  read_common(reader, local);
  const uint64_t name = reader.number<uint16_t>(), extra = reader.number<uint16_t>();
  const uint64_t begin = header.offset + kLocalHeaderBytes;
  check(name + extra <= end - begin && header.stored_bytes <= end - begin - name - extra, place,
        " has ", header.stored_bytes, " bytes after its header at byte ", header.offset,
        " and reaches into the directory at byte ", end);
  const std::vector<uint8_t> rest = file.read(begin, name + extra);
  ByteReader rest_reader = reader_of(rest, file);
  local.name = rest_reader.text(name);
  read_extra(rest_reader.part(extra), {&local.bytes, &local.stored_bytes});
  const auto agree = [&](uint64_t in_directory, uint64_t found) {
    return found == in_directory || (found == 0 && (local.flags & kSizesFollow) != 0);
  };
  check(local.name == header.name && local.method == header.method &&
            (local.flags & kEncrypted) == 0 && agree(header.checksum, local.checksum) &&
            agree(header.stored_bytes, local.stored_bytes) && agree(header.bytes, local.bytes),
        place, ": its header at byte ", header.offset, " and the directory disagree");
  return begin + name + extra;
}

void check_overlaps(const ByteFile& file, const std::vector<ZipFile::Entry>& entries,
                    const std::vector<uint64_t>& begins) {
  std::vector<std::pair<uint64_t, size_t>> order;
  for (size_t i = 0; i < begins.size(); ++i) order.emplace_back(begins[i], i);
  std::sort(order.begin(), order.end());
  for (size_t i = 1; i < order.size(); ++i) {
    const ZipFile::Entry& before = entries[order[i - 1].second];
    check(before.offset + before.stored_bytes <= order[i].first, file.path().string(),
          ": the entries '", before.name, "' and '", entries[order[i].second].name,
          "' of the ZIP archive overlap");
  }
}

}  // namespace

std::vector<ZipFile::Entry> read_zip_directory(const ByteFile& file) {
  const std::string path = file.path().string();
  const DirectoryPlace directory = find_directory(file);
  const std::vector<uint8_t> bytes = file.read(directory.offset, directory.bytes);
  ByteReader reader = reader_of(bytes, file);
  std::vector<ZipFile::Entry> entries;
  std::vector<uint64_t> begins;
  std::unordered_set<std::string> names;
  for (uint64_t i = 0; i < directory.entries; ++i) {
    const Header header = read_directory_header(file, reader);
    const std::string place = concat(path, ": entry '", header.name, "' of the ZIP archive");
    check(names.insert(header.name).second, place, " is there twice");
    check_header(header, place);
    begins.push_back(header.offset);
    entries.push_back({.name = header.name,
                       .bytes = header.bytes,
                       .stored_bytes = header.stored_bytes,
                       .offset = read_local_header(file, header, directory.offset, place),
                       .checksum = header.checksum,
                       .deflated = header.method == kDeflated});
  }
  check(reader.left() == 0, path, ": the directory of the ZIP archive has ", reader.left(),
        " bytes after its last entry");
  check_overlaps(file, entries, begins);
  return entries;
}

}  // namespace d2l::weights
