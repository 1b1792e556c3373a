#include "data/gzip.h"

#include <algorithm>
#include <utility>

#include "framework/base/error.h"

namespace d2l::data {
namespace {

constexpr size_t kPiece = size_t{1} << 20;

bool begins_member(const std::vector<uint8_t>& bytes, size_t at) {
  return bytes.size() - at >= 2 && bytes[at] == 0x1f && bytes[at + 1] == 0x8b;
}

}  // namespace

bool is_gzip(const std::vector<uint8_t>& bytes) { return begins_member(bytes, 0); }

Inflater::Inflater(const std::vector<uint8_t>& compressed, std::string name)
    : compressed_(compressed), name_(std::move(name)) {
  check(inflateInit2(&stream_, 15 + 16) == Z_OK, name_, ": cannot start zlib");
}

Inflater::~Inflater() { inflateEnd(&stream_); }

void Inflater::read(uint64_t count, std::vector<uint8_t>& out) {
  while (count > 0 && !ended_) {
    refill();
    const size_t piece = static_cast<size_t>(std::min<uint64_t>(count, kPiece)), had = out.size();
    out.resize(had + piece);
    stream_.next_out = out.data() + had;
    stream_.avail_out = static_cast<uInt>(piece);
    const int result = inflate(&stream_, Z_NO_FLUSH);
    const size_t made = piece - stream_.avail_out;
    out.resize(had + made);
    count -= made;
    const bool member_ended = result == Z_STREAM_END;
    check(member_ended || result == Z_OK || result == Z_BUF_ERROR, name_,
          ": damaged gzip data: ", stream_.msg ? stream_.msg : "cannot be decompressed");
    check(member_ended || made > 0 || position() < compressed_.size(), name_,
          ": the gzip data ends early, after ", compressed_.size(), " bytes");
    if (member_ended) end_member();
  }
}

void Inflater::refill() {
  if (stream_.avail_in > 0) return;
  const size_t piece = std::min(kPiece, compressed_.size() - given_);
  stream_.next_in = const_cast<Bytef*>(compressed_.data() + given_);
  stream_.avail_in = static_cast<uInt>(piece);
  given_ += piece;
}

void Inflater::end_member() {
  if (begins_member(compressed_, position())) {
    inflateReset(&stream_);
    return;
  }
  const auto rest = compressed_.begin() + static_cast<ptrdiff_t>(position());
  const bool padding = std::all_of(rest, compressed_.end(), [](uint8_t byte) { return byte == 0; });
  const size_t left = compressed_.size() - position();
  check(padding, name_, ": found ", left, left == 1 ? " byte" : " bytes",
        " after the end of the gzip data, expected none or zeros");
  ended_ = true;
}

}  // namespace d2l::data
