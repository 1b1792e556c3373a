#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "framework/weights/byte_file.h"

namespace d2l::weights {

// Reads ZIP archives, also ZIP64, as PyTorch and NumPy write them: entries that are stored or
// deflated, without encryption. (APPNOTE.TXT of PKWARE, version 6.3.)
class ZipFile {
 public:
  struct Entry {
    std::string name;
    uint64_t bytes = 0;         // of the content
    uint64_t stored_bytes = 0;  // in the file
    uint64_t offset = 0;        // of the stored bytes, in the file
    uint32_t checksum = 0;      // CRC-32 of the content
    bool deflated = false;
  };

  // Reads and checks the directory: unique names, entries inside the file without overlaps, local
  // headers that agree with the directory. Throws Error.
  explicit ZipFile(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return file_.path(); }
  const std::vector<Entry>& entries() const { return entries_; }
  // nullptr if there is none.
  const Entry* find(const std::string& name) const;
  // The content of an entry, with its checksum verified. Throws Error for damage, and for more than
  // `most` bytes before it allocates them.
  std::vector<uint8_t> read(const Entry& entry, uint64_t most) const;
  // The first `most` bytes of an entry, or all if it has fewer; no checksum is verified. Throws
  // Error for damage.
  std::vector<uint8_t> read_start(const Entry& entry, uint64_t most) const;
  // Bytes [begin, begin + out.size()) of an entry that is not deflated; no checksum is verified.
  // Throws Error if the entry is deflated or has fewer bytes.
  void read_part(const Entry& entry, uint64_t begin, std::span<uint8_t> out) const;

 private:
  std::string place_of(const Entry& entry) const;
  void inflate(const Entry& entry, std::span<uint8_t> out) const;

  ByteFile file_;
  std::vector<Entry> entries_;
  std::unordered_map<std::string, size_t> positions_;  // by name
};

}  // namespace d2l::weights
