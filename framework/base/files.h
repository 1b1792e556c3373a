#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "framework/base/error.h"

namespace d2l {

// The disk is full or the quota is exceeded.
class NoRoomError : public Error {
 public:
  using Error::Error;
};

// Throws Error with the text and the reason for the system error code `error`; NoRoomError if the
// code says that no space is left.
[[noreturn]] void fail_with(int error, const std::string& text);

// Replaces a file durably: `write` fills a temporary file beside `path` (unused_name_beside). The
// file is synced and renamed to `path`, and its folder is synced. A reader sees either the old file
// or the new one, never a part. On any failure the temporary file is removed, `path` keeps its old
// content (unless only the sync of the folder failed), and Error names the path and the cause.
// Throws Error if `path` exists and is not a regular file. `before_rename` is called when the
// temporary file is on disk; if it throws, the replacement fails in the same way.
void replace_file(
    const std::filesystem::path& path,
    const std::function<void(const std::filesystem::path& temporary)>& write,
    const std::function<void()>& before_rename = [] {});

// Calls replace_file() with `text` as the content.
void write_text_file(const std::filesystem::path& path, const std::string& text);

// Returns the content of a regular file. Throws Error with the path and the system's reason if any
// of it cannot be read. Never blocks on a pipe or a device: these throw too.
std::string read_text_file(const std::filesystem::path& path);

// The same, as bytes.
std::vector<uint8_t> read_bytes(const std::filesystem::path& path);

// Opens a regular file with the `flags` of open() and O_CLOEXEC. The caller closes it. Throws Error
// with the path and the reason, also for a pipe, a device or a folder; never blocks on them.
int open_regular_file(const std::filesystem::path& path, int flags);

// Reads the bytes at `offset` into `out`; sets `done` to their number, fewer only at the end of the
// file and for an error. Returns 0 or the system's error code.
int read_at(int descriptor, uint64_t offset, std::span<uint8_t> out, size_t& done);

// Writes all bytes. Returns 0 or the system's error code.
int write_all(int descriptor, const void* data, size_t bytes);

// Returns "NAME.d0123456789abcde.tmp" in the folder of `path`, with random digits. No other writer
// of the same file gets this name, in any process on any host.
std::filesystem::path unused_name_beside(const std::filesystem::path& path);

// Removes temporary files that dead writers have left in the folder, if `ours` returns true for the
// target's name (NAME in unused_name_beside). The caller must know that no such writer is alive.
// Throws Error.
void remove_leftovers(const std::filesystem::path& folder,
                      const std::function<bool(const std::string& target)>& ours);

// Makes the folder and its missing parents, and proves that a file can be written there. Returns
// the folders that it has made, outermost first. On failure it removes them again and throws Error
// with the folder and the cause.
std::vector<std::filesystem::path> make_writable_folder(const std::filesystem::path& folder);

// Makes changes to a folder's entries durable. Returns false if the file system does not support
// this (CIFS and FUSE may not): a crash of the machine may then undo the last changes.
bool sync_folder(const std::filesystem::path& folder);

}  // namespace d2l
