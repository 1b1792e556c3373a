#include "framework/base/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "framework/base/error.h"

namespace d2l {
namespace {

// Opens, syncs and closes a file or folder.
void sync_to_disk(const std::filesystem::path& path, int flags) {
  int descriptor = ::open(path.c_str(), flags | O_CLOEXEC);
  check(descriptor >= 0, "cannot open ", path.string(), " to sync it: ", std::strerror(errno));
  int result = ::fsync(descriptor);
  int error = errno;
  ::close(descriptor);
  check(result == 0, "cannot sync ", path.string(), " to disk: ", std::strerror(error));
}

std::filesystem::path folder_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

// What of a file there is to read up to its end, whatever its size is said to be. 0, or the error.
template <class Content>
int read_to_end(int descriptor, Content& content) {
  size_t had = 0;
  for (;;) {
    if (had == content.size()) content.resize(std::max<size_t>(2 * had, 4096));
    const ssize_t more = ::read(descriptor, content.data() + had, content.size() - had);
    if (more < 0 && errno != EINTR) return errno;
    if (more == 0) break;
    if (more > 0) had += static_cast<size_t>(more);
  }
  content.resize(had);
  return 0;
}

// `content` is a string or bytes. Streams would take an error while reading for the file's end.
template <class Content>
void read_whole(const std::filesystem::path& path, Content& content) {
  // Without O_NONBLOCK a pipe would be waited for.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  check(descriptor >= 0, "cannot read ", path.string(), ": ", std::strerror(errno));
  struct stat status {};
  int error = ::fstat(descriptor, &status) == 0 ? 0 : errno;
  const bool regular = error == 0 && S_ISREG(status.st_mode);
  if (regular) {
    content.resize(static_cast<size_t>(status.st_size) + 1);  // one more shows the end
    error = read_to_end(descriptor, content);
  }
  ::close(descriptor);
  check(error == 0, "cannot read ", path.string(), ": ", std::strerror(error));
  check(regular, "cannot read ", path.string(), ": it is ",
        S_ISDIR(status.st_mode) ? "a folder" : "not a regular file");
}

}  // namespace

void replace_file(const std::filesystem::path& path,
                  const std::function<void(const std::filesystem::path&)>& write) {
  std::filesystem::path temporary = path;
  temporary += ".tmp";
  try {
    write(temporary);
    sync_to_disk(temporary, O_RDONLY);
    std::error_code error;
    std::filesystem::rename(temporary, path, error);
    check(!error, "cannot rename ", temporary.string(), " to ", path.string(), ": ",
          error.message());
    sync_folder(folder_of(path));
  } catch (...) {
    std::error_code ignored;
    std::filesystem::remove(temporary, ignored);
    throw;
  }
}

void write_text_file(const std::filesystem::path& path, const std::string& text) {
  replace_file(path, [&](const std::filesystem::path& temporary) {
    std::ofstream stream(temporary, std::ios::binary | std::ios::trunc);
    stream << text;
    stream.close();
    check(stream.good(), "cannot write ", path.string(), ": ", std::strerror(errno));
  });
}

std::string read_text_file(const std::filesystem::path& path) {
  std::string text;
  read_whole(path, text);
  return text;
}

std::vector<uint8_t> read_bytes(const std::filesystem::path& path) {
  std::vector<uint8_t> bytes;
  read_whole(path, bytes);
  return bytes;
}

void sync_folder(const std::filesystem::path& folder) {
  sync_to_disk(folder, O_RDONLY | O_DIRECTORY);
}

FileLock::FileLock(const std::filesystem::path& path)
    : descriptor_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)) {
  check(descriptor_ >= 0, "cannot open ", path.string(), ": ", std::strerror(errno));
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return;
  ::close(descriptor_);
  fail("another process holds ", path.string());
}

FileLock::~FileLock() { ::close(descriptor_); }

void make_writable_folder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  check(!error, "cannot make the folder ", folder.string(), ": ", error.message());
  std::filesystem::path probe = folder / (".probe-" + std::to_string(::getpid()));
  int descriptor = ::open(probe.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  check(descriptor >= 0, "cannot write into the folder ", folder.string(), ": ",
        std::strerror(errno));
  ::close(descriptor);
  std::filesystem::remove(probe, error);
}

}  // namespace d2l
