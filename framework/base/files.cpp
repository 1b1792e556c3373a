#include "framework/base/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "framework/base/random_id.h"

namespace d2l {
namespace {

constexpr std::string_view kUnfinished = ".tmp";

const char* kind_of(const struct stat& status) {
  return S_ISDIR(status.st_mode) ? "a folder" : "not a regular file";
}

constexpr size_t kMost = size_t{1} << 30;  // Linux transfers at most 2 GiB per call

// Opens, syncs and closes a file or folder. Returns false if it does not support syncing.
bool sync_to_disk(const std::filesystem::path& path, int flags) {
  int descriptor = ::open(path.c_str(), flags | O_CLOEXEC);
  check(descriptor >= 0, "cannot open ", path.string(), " to sync it: ", std::strerror(errno));
  int result = ::fsync(descriptor);
  int error = errno;
  ::close(descriptor);
  if (result == 0) return true;
  if (error == EINVAL || error == ENOTSUP || error == ENOSYS) return false;
  fail_with(error, concat("cannot sync ", path.string(), " to disk"));
}

std::filesystem::path folder_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

// Reads until the end of the file, whatever its reported size. Returns 0 or the error code.
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

// `content` is a string or bytes. Not a stream: it would take a read error for the end of the file.
template <class Content>
void read_whole(const std::filesystem::path& path, Content& content) {
  const int descriptor = open_regular_file(path, O_RDONLY);
  struct stat status {};
  int error = ::fstat(descriptor, &status) == 0 ? 0 : errno;
  content.resize(static_cast<size_t>(status.st_size) + 1);  // one byte more, to see the end
  if (error == 0) error = read_to_end(descriptor, content);
  ::close(descriptor);
  check(error == 0, "cannot read ", path.string(), ": ", std::strerror(error));
}

// A rename would silently replace a pipe or a device.
void check_replaceable(const std::filesystem::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || S_ISREG(status.st_mode)) return;
  fail("cannot write ", path.string(), ": it is ", kind_of(status));
}

// The final name of a temporary file; empty if the name is not temporary. Temporary names of
// earlier versions have no digits.
std::string target_of(const std::string& temporary) {
  if (!temporary.ends_with(kUnfinished)) return "";
  const std::string name = temporary.substr(0, temporary.size() - kUnfinished.size());
  constexpr size_t kDigits = 16;
  const size_t dot = name.rfind('.');
  const bool has_id = dot != std::string::npos && name.size() - dot - 1 == kDigits &&
                      name.find_first_not_of("0123456789abcdef", dot + 1) == std::string::npos;
  return has_id ? name.substr(0, dot) : name;
}

// Of the folder and its parents, those that do not exist; outermost first.
std::vector<std::filesystem::path> missing_folders(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> missing;
  std::error_code ignored;
  for (std::filesystem::path at = folder; !at.empty(); at = at.parent_path()) {
    if (std::filesystem::exists(at, ignored) || at == at.parent_path()) break;
    if (at.has_filename()) missing.insert(missing.begin(), at);
  }
  return missing;
}

void prove_writable(const std::filesystem::path& folder) {
  const std::filesystem::path probe = unused_name_beside(folder / ".probe");
  int descriptor = ::open(probe.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor < 0) fail_with(errno, concat("cannot write into the folder ", folder.string()));
  ::close(descriptor);
  ::unlink(probe.c_str());
}

}  // namespace

void fail_with(int error, const std::string& text) {
  const std::string message = concat(text, ": ", std::strerror(error));
  if (error == ENOSPC || error == EDQUOT) throw NoRoomError(message);
  throw Error(message);
}

void replace_file(const std::filesystem::path& path,
                  const std::function<void(const std::filesystem::path&)>& write,
                  const std::function<void()>& before_rename) {
  check_replaceable(path);
  const std::filesystem::path temporary = unused_name_beside(path);
  try {
    write(temporary);
    sync_to_disk(temporary, O_RDONLY);
    before_rename();
    if (::rename(temporary.c_str(), path.c_str()) != 0)
      fail_with(errno, concat("cannot rename ", temporary.string(), " to ", path.string()));
    sync_folder(folder_of(path));
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
}

void write_text_file(const std::filesystem::path& path, const std::string& text) {
  replace_file(path, [&](const std::filesystem::path& temporary) {
    const int descriptor = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    int error = descriptor < 0 ? errno : write_all(descriptor, text.data(), text.size());
    if (descriptor >= 0 && ::close(descriptor) != 0 && error == 0) error = errno;
    if (error != 0) fail_with(error, concat("cannot write ", path.string()));
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

int open_regular_file(const std::filesystem::path& path, int flags) {
  const char* action = (flags & O_ACCMODE) == O_RDONLY ? "cannot read " : "cannot write ";
  const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC | O_NONBLOCK, 0666);
  const int error = errno;
  struct stat status {};
  if (descriptor < 0 && error == ENXIO) fail(action, path.string(), ": it is ", kind_of(status));
  if (descriptor < 0) fail_with(error, action + path.string());
  if (::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode)) return descriptor;
  ::close(descriptor);
  fail(action, path.string(), ": it is ", kind_of(status));
}

int read_at(int descriptor, uint64_t offset, std::span<uint8_t> out, size_t& done) {
  for (done = 0; done < out.size();) {
    const ssize_t count = ::pread(descriptor, out.data() + done, std::min(out.size() - done, kMost),
                                  static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno;
    if (count == 0) break;
    done += static_cast<size_t>(count);
  }
  return 0;
}

int write_all(int descriptor, const void* data, size_t bytes) {
  const char* at = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t count = ::write(descriptor, at, std::min(bytes, kMost));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return count < 0 ? errno : ENOSPC;
    at += count;
    bytes -= static_cast<size_t>(count);
  }
  return 0;
}

std::filesystem::path unused_name_beside(const std::filesystem::path& path) {
  std::filesystem::path name = path;
  name += concat(".", random_id(), kUnfinished);
  return name;
}

void remove_leftovers(const std::filesystem::path& folder,
                      const std::function<bool(const std::string&)>& ours) {
  std::error_code error;
  std::vector<std::filesystem::path> found;
  std::filesystem::directory_iterator entries(folder, error);
  for (; !error && entries != std::filesystem::directory_iterator(); entries.increment(error)) {
    const std::string target = target_of(entries->path().filename().string());
    if (!target.empty() && ours(target)) found.push_back(entries->path());
  }
  check(!error, "cannot list ", folder.string(), ": ", error.message());
  for (const std::filesystem::path& path : found) {
    std::filesystem::remove(path, error);
    check(!error, "cannot remove the unfinished file ", path.string(), ": ", error.message());
  }
}

std::vector<std::filesystem::path> make_writable_folder(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> made = missing_folders(folder);
  try {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) fail_with(error.value(), concat("cannot make the folder ", folder.string()));
    prove_writable(folder);
    for (const std::filesystem::path& path : made) sync_folder(folder_of(path));
  } catch (...) {
    for (auto path = made.rbegin(); path != made.rend(); ++path) ::rmdir(path->c_str());
    throw;
  }
  return made;
}

bool sync_folder(const std::filesystem::path& folder) {
  return sync_to_disk(folder, O_RDONLY | O_DIRECTORY);
}

}  // namespace d2l
