#pragma once

#include <zlib.h>

#include <cstdint>
#include <string>
#include <vector>

namespace d2l::data {

bool is_gzip(const std::vector<uint8_t>& bytes);

// Decompresses on demand what gzip -t calls good: one member or several that follow each other,
// whose contents are one, and zeros behind the last, which block devices and tapes leave. Anything
// else there, which gzip ignores with a warning, is refused. Never holds more than was asked for.
class Inflater {
 public:
  // `name` begins the messages. The bytes must outlive this.
  Inflater(const std::vector<uint8_t>& compressed, std::string name);
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // Appends up to `count` bytes to `out`, fewer only at the end of the content. Throws Error for
  // data that are damaged or cut off.
  void read(uint64_t count, std::vector<uint8_t>& out);

 private:
  void refill();
  void end_member();
  size_t position() const { return given_ - stream_.avail_in; }

  const std::vector<uint8_t>& compressed_;
  std::string name_;
  z_stream stream_{};
  size_t given_ = 0;  // how many of the compressed bytes zlib has been given
  bool ended_ = false;
};

}  // namespace d2l::data
