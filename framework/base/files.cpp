#include "framework/base/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

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
  check(!std::filesystem::is_directory(path), "cannot read ", path.string(), ": it is a folder");
  std::ifstream stream(path, std::ios::binary);
  check(stream.good(), "cannot read ", path.string(), ": ", std::strerror(errno));
  std::ostringstream text;
  text << stream.rdbuf();
  check(!stream.bad(), "cannot read ", path.string(), ": ", std::strerror(errno));
  return text.str();
}

std::vector<uint8_t> read_bytes(const std::filesystem::path& path) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  check(std::filesystem::is_regular_file(status), "cannot read ", path.string(), ": ",
        std::filesystem::exists(status) ? "not a regular file" : "no such file");
  std::ifstream stream(path, std::ios::binary | std::ios::ate);
  check(stream.good(), "cannot read ", path.string(), ": ", std::strerror(errno));
  std::vector<uint8_t> bytes(static_cast<size_t>(stream.tellg()));
  stream.seekg(0);
  stream.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  check(stream.good(), "cannot read ", path.string(), ": ", std::strerror(errno));
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
