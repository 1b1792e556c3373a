#pragma once

#include <zlib.h>

#include <cstdint>
#include <string>
#include <vector>

namespace d2l::data {

bool is_gzip(const std::vector<uint8_t>& bytes);

// Decompresses on demand the files that gzip -t accepts: one or several members in sequence (their
// contents are concatenated), with optional zeros after the last, as block devices and tapes add
// them. Rejects other trailing bytes, which gzip only warns about. Never decompresses more than
// requested.
class Inflater {
 public:
  // Messages begin with `name`. `compressed` must outlive this object.
  Inflater(const std::vector<uint8_t>& compressed, std::string name);
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // Appends `count` bytes to `out`, fewer only at the end of the content. Throws Error for damaged
  // or truncated data.
  void read(uint64_t count, std::vector<uint8_t>& out);

 private:
  void refill();
  void end_member();
  size_t position() const { return given_ - stream_.avail_in; }

  const std::vector<uint8_t>& compressed_;
  std::string name_;
  z_stream stream_{};
  size_t given_ = 0;  // number of compressed bytes passed to zlib
  bool ended_ = false;
};

}  // namespace d2l::data
