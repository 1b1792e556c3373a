#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "framework/base/error.h"

namespace d2l {

// The disk is full, or the quota used up.
class NoRoomError : public Error {
 public:
  using Error::Error;
};

// Throws Error, or NoRoomError where that is what the system's `error` says, with the text and the
// reason.
[[noreturn]] void fail_with(int error, const std::string& text);

// Durable replacement of a file: `write` fills a temporary file beside `path`
// (unused_name_beside), which is then synced, renamed over `path`, and made durable by syncing the
// folder. A reader sees the old file or the new one, never a part. On any failure the temporary
// file is removed, `path` is left as it was (unless only the folder could not be synced) and Error
// names the path and the cause. What is no regular file is not replaced. `before_rename` is called
// when the temporary file is on disk: what it throws is a failure like any other.
void replace_file(const std::filesystem::path& path,
                  const std::function<void(const std::filesystem::path& temporary)>& write,
                  const std::function<void()>& before_rename = [] {});

// replace_file with `text` as the content.
void write_text_file(const std::filesystem::path& path, const std::string& text);

// The whole of a regular file. Throws Error naming the path and the system's reason when any of it
// cannot be read; nothing else is waited for, as a pipe would be.
std::string read_text_file(const std::filesystem::path& path);

// The same as bytes.
std::vector<uint8_t> read_bytes(const std::filesystem::path& path);

// Opens a regular file with open()'s `flags` and O_CLOEXEC, for the caller to close. Nothing is
// waited for, as a pipe would be. Throws Error naming the path and the reason, also where it is a
// pipe, a device or a folder.
int open_regular_file(const std::filesystem::path& path, int flags);

// All of the bytes; 0, or the system's error.
int write_all(int descriptor, const void* data, size_t bytes);

// "NAME.d0123456789abcde.tmp" in the folder of `path`, with random digits: a name that no other
// writer of the same file has, in whatever process and on whatever host.
std::filesystem::path unused_name_beside(const std::filesystem::path& path);

// Removes what writers that died have left in the folder: temporary files whose targets (NAME of
// unused_name_beside) are `ours`. For whoever knows that no such writer lives. Throws Error.
void remove_leftovers(const std::filesystem::path& folder,
                      const std::function<bool(const std::string& target)>& ours);

// Makes the folder and those above it, and proves that a file can be written there. Answers those
// that it has made, the outermost first; they are gone again where it throws Error, which names the
// folder and the cause.
std::vector<std::filesystem::path> make_writable_folder(const std::filesystem::path& folder);

// Makes what happened to a folder's entries durable. False where the file system cannot do that
// (CIFS and FUSE may not): then a crash of the machine may undo the last of it.
bool sync_folder(const std::filesystem::path& folder);

}  // namespace d2l
