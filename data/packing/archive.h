#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace d2l::data {

// Whether the first bytes of a file look like an archive that ArchiveReader reads: tar, plain or
// compressed with gzip, bzip2, xz or zstd; or zip.
bool is_archive(const std::filesystem::path& path);

// Reads the files in an archive in their order, without writing any of them. Archives come from
// strangers: no name or size is trusted.
class ArchiveReader {
 public:
  struct Entry {
    std::string name;      // without "./" at the beginning
    uint64_t size = 0;     // as the archive says; 0 if it does not
    int64_t number = 0;    // of all entries, from 0
    bool is_link = false;  // symbolic or hard: it has no content of its own
  };

  // Throws Error that begins with the path.
  explicit ArchiveReader(const std::filesystem::path& path);
  ~ArchiveReader();
  ArchiveReader(const ArchiveReader&) = delete;
  ArchiveReader& operator=(const ArchiveReader&) = delete;

  // Goes to the next file or link; folders and devices are skipped. Returns false at the end.
  // Throws Error for a damaged archive, for more than kMostEntries entries, and for names that are
  // absolute, have more than 4,096 bytes or contain "..".
  bool next(Entry& entry);

  // Reads the current file's next bytes to the end of `bytes`, until it has `most` or the file
  // ends. Throws Error that names the file if it is damaged or encrypted.
  void read(std::vector<uint8_t>& bytes, uint64_t most);

  static constexpr int64_t kMostEntries = int64_t{1} << 27;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace d2l::data
