#pragma once

#include <zlib.h>

#include <optional>

#include "tests/weights/weights_support.h"

namespace d2l::weights::test {

// An entry of a ZIP archive. Tests change the members to damage it.
struct ZipItem {
  std::string name;
  FileBytes stored;
  uint64_t bytes = 0, stored_bytes = 0;  // as the headers say
  uint32_t checksum = 0;
  uint16_t method = 0, flags = 0;
  bool zip64 = false;       // the sizes are in extra fields
  bool sizes_last = false;  // the sizes follow the entry
  std::optional<std::string> local_name = std::nullopt;
  std::optional<uint64_t> offset = std::nullopt;  // of its header, as the directory says
};

struct ZipForm {
  bool zip64 = false;
  std::string comment = {};
  std::string prefix = {};    // before the archive
  std::string follower = {};  // between the directory and the end records
  std::optional<uint64_t> entries = std::nullopt, bytes = std::nullopt;  // of the directory
  uint16_t disk = 0;
};

inline ZipItem stored_item(const std::string& name, const FileBytes& content) {
  const auto checksum =
      static_cast<uint32_t>(crc32(0, content.bytes().data(), static_cast<uInt>(content.size())));
  return {name, content, content.size(), content.size(), checksum};
}

inline ZipItem deflated_item(const std::string& name, const FileBytes& content) {
  ZipItem item = stored_item(name, content);
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY);
  std::string deflated(deflateBound(&stream, content.size()), '\0');
  stream.next_in = const_cast<Bytef*>(content.bytes().data());
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(deflated.data());
  stream.avail_out = static_cast<uInt>(deflated.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  item.stored = FileBytes(deflated).cut(stream.total_out);
  item.stored_bytes = stream.total_out;
  item.method = 8;
  deflateEnd(&stream);
  return item;
}

// From the flags to the length of the extra field.
inline void add_common(FileBytes& to, const ZipItem& item, const std::string& name, bool no_sizes,
                       size_t extra) {
  to.u16(item.flags | (item.sizes_last ? 8u : 0u)).u16(item.method).u32(0);
  to.u32(no_sizes ? 0 : item.checksum);
  to.u32(item.zip64 ? ~0u : no_sizes ? 0 : item.stored_bytes);
  to.u32(item.zip64 ? ~0u : no_sizes ? 0 : item.bytes);
  to.u16(name.size()).u16(extra);
}

inline FileBytes zip_bytes(const std::vector<ZipItem>& items, const ZipForm& form = {}) {
  FileBytes archive(form.prefix), directory;
  for (const ZipItem& item : items) {
    const uint64_t offset = item.offset.value_or(archive.size());
    const std::string name = item.local_name.value_or(item.name);
    FileBytes padding, sizes;  // as PyTorch aligns entries
    padding.u16(0x4246).u16(3).add(std::string("ZZZ"));
    if (item.zip64) sizes.u16(1).u16(16);
    if (item.zip64 && item.sizes_last) sizes.u64(0).u64(0);
    if (item.zip64 && !item.sizes_last) sizes.u64(item.bytes).u64(item.stored_bytes);
    archive.u32(0x04034b50).u16(20);
    add_common(archive, item, name, item.sizes_last, padding.size() + sizes.size());
    archive.add(name).add(padding).add(sizes).add(item.stored);
    if (item.sizes_last)
      archive.u32(0x08074b50).u32(item.checksum).u32(item.stored_bytes).u32(item.bytes);

    FileBytes extra;
    if (item.zip64) extra.u16(1).u16(24).u64(item.bytes).u64(item.stored_bytes).u64(offset);
    directory.u32(0x02014b50).u32(0x00140014);
    add_common(directory, item, item.name, false, extra.size());
    directory.u16(7).u16(0).u16(0).u32(0).u32(item.zip64 ? ~0u : offset);
    directory.add(item.name).add(extra).add(std::string("comment"));
  }
  const uint64_t begin = archive.size();
  const uint64_t entries = form.entries.value_or(items.size());
  const uint64_t bytes = form.bytes.value_or(directory.size());
  archive.add(directory).add(form.follower);
  const uint64_t end = archive.size();
  if (form.zip64) {
    archive.u32(0x06064b50).u64(44).u16(45).u16(45).u32(form.disk).u32(0);
    archive.u64(entries).u64(entries).u64(bytes).u64(begin);
    archive.u32(0x07064b50).u32(0).u64(end).u32(1);
  }
  const uint64_t all_ones = form.zip64 ? ~uint64_t{0} : 0;
  archive.u32(0x06054b50).u16(form.disk).u16(form.disk).u16(entries | all_ones);
  archive.u16(entries | all_ones).u32(bytes | all_ones).u32(begin | all_ones);
  return archive.u16(form.comment.size()).add(form.comment);
}

}  // namespace d2l::weights::test
