#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace d2l::data::test {

// An HDF5 file whose bytes are changed and whose checksums are then corrected, so that a reader
// gets to the changed bytes.
class SealedFile {
 public:
  // A range of bytes covered by a checksum.
  struct Part {
    std::string signature;  // "OHDR"; "page" for pages of an index, which have no signature
    size_t begin = 0, end = 0;
    size_t checksum = 0;  // its position: at the end or inside
  };

  explicit SealedFile(std::vector<uint8_t> bytes);

  std::vector<uint8_t>& bytes() { return bytes_; }
  const std::vector<Part>& parts() const { return parts_; }
  // The first offset of `pattern` in a part with that signature; the test fails if there is none.
  size_t find(const std::string& signature, const std::string& pattern) const;
  // Sets a number of 8 bytes in an attribute of the root group.
  void set_attribute(const std::string& name, int64_t value);
  // Corrects all checksums.
  void seal();

 private:
  void add_parts();
  bool add_at_end(const std::string& signature, size_t begin, size_t longest);
  void add_heap_block(size_t begin);

  std::vector<uint8_t> bytes_;
  std::vector<Part> parts_;
};

}  // namespace d2l::data::test
