#include "framework/weights/zip_file.h"

#include <zlib.h>

#include <algorithm>
#include <utility>

#include "framework/base/checksum.h"
#include "framework/base/error.h"
#include "framework/weights/zip_directory.h"

namespace d2l::weights {
namespace {

constexpr uint64_t kPiece = uint64_t{1} << 18;

// Decompresses raw deflate data.
class InflateStream {
 public:
  explicit InflateStream(std::string place) : place_(std::move(place)) {
    check(inflateInit2(&stream_, -MAX_WBITS) == Z_OK, place_, ": cannot start zlib");
  }
  ~InflateStream() { inflateEnd(&stream_); }
  InflateStream(const InflateStream&) = delete;
  InflateStream& operator=(const InflateStream&) = delete;

  // Decompresses `from` and takes what has been written away from the front of `out`. When `out` is
  // full, one byte more shows whether the data go on.
  void put(std::span<uint8_t> from, std::span<uint8_t>& out) {
    stream_.next_in = from.data();
    stream_.avail_in = static_cast<uInt>(from.size());
    int result = Z_OK;
    do {
      uint8_t next = 0;
      const auto room = static_cast<uInt>(std::min<uint64_t>(out.size(), uint64_t{1} << 30));
      stream_.next_out = room > 0 ? out.data() : &next;
      stream_.avail_out = std::max(room, 1u);
      result = ::inflate(&stream_, Z_NO_FLUSH);
      check(result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR, place_,
            ": damaged deflate data: ", stream_.msg ? stream_.msg : "cannot be decompressed");
      if (room > 0) out = out.subspan(room - stream_.avail_out);
      goes_on_ = room == 0 && stream_.avail_out == 0;
    } while (result == Z_OK && !goes_on_ && (stream_.avail_in > 0 || stream_.avail_out == 0));
    ended_ = result == Z_STREAM_END;
    left_ = stream_.avail_in;
  }

  bool ended() const { return ended_; }
  // Whether the data have more bytes than `out` had.
  bool goes_on() const { return goes_on_; }
  // Bytes of the last call that have not been needed.
  size_t left() const { return left_; }

 private:
  z_stream stream_{};
  std::string place_;
  bool ended_ = false, goes_on_ = false;
  size_t left_ = 0;
};

}  // namespace

ZipFile::ZipFile(const std::filesystem::path& path)
    : file_(path), entries_(read_zip_directory(file_)) {
  for (size_t i = 0; i < entries_.size(); ++i) positions_[entries_[i].name] = i;
}

const ZipFile::Entry* ZipFile::find(const std::string& name) const {
  const auto position = positions_.find(name);
  return position == positions_.end() ? nullptr : &entries_[position->second];
}

std::string ZipFile::place_of(const Entry& entry) const {
  return concat(path().string(), ": entry '", entry.name, "' of the ZIP archive");
}

// Fills `out`. If it has the size of the entry, the data must also end there.
void ZipFile::inflate(const Entry& entry, std::span<uint8_t> out) const {
  const std::string place = place_of(entry);
  const bool is_whole = out.size() == entry.bytes;
  InflateStream stream(place);
  // The start of an entry needs few bytes.
  std::vector<uint8_t> piece(
      std::min({kPiece, entry.stored_bytes, is_whole ? kPiece : out.size() + 64}));
  uint64_t at = 0;
  while (at < entry.stored_bytes && !stream.ended() && !stream.goes_on()) {
    const std::span<uint8_t> next =
        std::span(piece).first(std::min<uint64_t>(piece.size(), entry.stored_bytes - at));
    file_.read(entry.offset + at, next);
    stream.put(next, out);
    at += next.size();
  }
  check(!is_whole || !stream.goes_on(), place, " has more than the ", entry.bytes,
        " bytes that the directory says");
  check(out.empty(), place, " has ", out.size(), " bytes fewer than the ", entry.bytes,
        " that the directory says");
  check(!is_whole || (stream.ended() && stream.left() == 0 && at == entry.stored_bytes), place,
        ": its deflate data do not end after ", entry.stored_bytes, " bytes, as they should");
}

std::vector<uint8_t> ZipFile::read(const Entry& entry, uint64_t most) const {
  check(entry.bytes <= most, place_of(entry), " has ", entry.bytes, " bytes, expected at most ",
        most);
  std::vector<uint8_t> content = read_start(entry, entry.bytes);
  const uLong checksum = crc32_z(crc32_z(0, nullptr, 0), content.data(), content.size());
  check(checksums_agree(entry.checksum, checksum), place_of(entry),
        " is damaged: its bytes do not have the checksum that the directory says");
  return content;
}

std::vector<uint8_t> ZipFile::read_start(const Entry& entry, uint64_t most) const {
  std::vector<uint8_t> start(std::min(entry.bytes, most));
  if (entry.deflated)
    inflate(entry, start);
  else
    file_.read(entry.offset, std::span(start));
  return start;
}

void ZipFile::read_part(const Entry& entry, uint64_t begin, std::span<uint8_t> out) const {
  check(!entry.deflated, place_of(entry), " is compressed, expected it stored");
  check(begin <= entry.bytes && out.size() <= entry.bytes - begin, place_of(entry), " has ",
        entry.bytes, " bytes, expected ", out.size(), " from byte ", begin, " on");
  file_.read(entry.offset + begin, out);
}

}  // namespace d2l::weights
