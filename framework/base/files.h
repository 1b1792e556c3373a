#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace d2l {

// Durable replacement of a file: `write` fills a temporary file beside `path` (same name with
// ".tmp"), which is then synced, renamed over `path`, and made durable by syncing the folder. A
// reader sees the old file or the new one, never a part. On any failure the temporary file is
// removed, `path` is left as it was (unless only the folder could not be synced) and Error names
// the path and the cause.
void replace_file(const std::filesystem::path& path,
                  const std::function<void(const std::filesystem::path& temporary)>& write);

// replace_file with `text` as the content.
void write_text_file(const std::filesystem::path& path, const std::string& text);

// The whole of a regular file. Throws Error naming the path and the system's reason when any of it
// cannot be read; nothing else is waited for, as a pipe would be.
std::string read_text_file(const std::filesystem::path& path);

// The same as bytes.
std::vector<uint8_t> read_bytes(const std::filesystem::path& path);

// Makes the folder and those above it, and proves that a file can be written there. Throws Error
// naming the folder and the cause.
void make_writable_folder(const std::filesystem::path& folder);

// Makes what happened to a folder's entries durable.
void sync_folder(const std::filesystem::path& folder);

// Held by one process at a time, for as long as the object lives; the system releases it when the
// process dies. File systems that know no locks give it to everybody.
class FileLock {
 public:
  // Makes the file where there is none. Throws Error naming it when another process holds it.
  explicit FileLock(const std::filesystem::path& path);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  int descriptor_;
};

}  // namespace d2l
