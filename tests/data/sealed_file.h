#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace d2l::data::test {

// An HDF5 file whose bytes are changed and whose checksums are then made right again, so that what
// was changed is what a reader gets to see.
class SealedFile {
 public:
  // A stretch of bytes that a checksum covers.
  struct Part {
    std::string signature;  // "OHDR"; "page" for pages of an index, which have none
    size_t begin = 0, end = 0;
    size_t checksum = 0;  // where it lies: at the end, or within
  };

  explicit SealedFile(std::vector<uint8_t> bytes);

  std::vector<uint8_t>& bytes() { return bytes_; }
  const std::vector<Part>& parts() const { return parts_; }
  // The first place of `pattern` in a part of that signature; a test failure when there is none.
  size_t find(const std::string& signature, const std::string& pattern) const;
  // Sets a number of 8 bytes in an attribute of the root group.
  void set_attribute(const std::string& name, int64_t value);
  // Makes all checksums right.
  void seal();

 private:
  void add_parts();
  bool add_at_end(const std::string& signature, size_t begin, size_t longest);
  void add_heap_block(size_t begin);

  std::vector<uint8_t> bytes_;
  std::vector<Part> parts_;
};

}  // namespace d2l::data::test
