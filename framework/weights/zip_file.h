#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

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
  ~ZipFile();
  ZipFile(const ZipFile&) = delete;
  ZipFile& operator=(const ZipFile&) = delete;

  const std::vector<Entry>& entries() const { return entries_; }
  // nullptr if there is none.
  const Entry* find(const std::string& name) const;
  // The content of an entry, with its checksum verified. Throws Error for damage, and for more than
  // `most` bytes before it allocates them.
  std::vector<uint8_t> read(const Entry& entry, uint64_t most) const;
  // Bytes [begin, begin + out.size()) of an entry that is not deflated; no checksum is verified.
  void read_part(const Entry& entry, uint64_t begin, std::span<uint8_t> out) const;

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
  uint64_t file_bytes_ = 0;
  std::vector<Entry> entries_;
};

}  // namespace d2l::weights
