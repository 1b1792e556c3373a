#include "framework/weights/byte_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "framework/base/error.h"
#include "framework/base/files.h"

namespace d2l::weights {

ByteFile::ByteFile(std::filesystem::path path)
    : path_(std::move(path)), descriptor_(open_regular_file(path_, O_RDONLY)) {
  struct stat status {};
  const int error = ::fstat(descriptor_, &status) == 0 ? 0 : errno;
  if (error != 0) {
    ::close(descriptor_);
    fail("cannot read ", path_.string(), ": ", std::strerror(error));
  }
  size_ = static_cast<uint64_t>(status.st_size);
}

ByteFile::~ByteFile() { ::close(descriptor_); }

void ByteFile::check_inside(uint64_t begin, uint64_t count) const {
  check(begin <= size_ && count <= size_ - begin, path_.string(), ": expected ", count,
        " bytes from byte ", begin, " on, found a file of ", size_, " bytes");
}

void ByteFile::read(uint64_t begin, std::span<uint8_t> out) const {
  check_inside(begin, out.size());
  size_t done = 0;
  const int error = read_at(descriptor_, begin, out, done);
  check(error == 0, "cannot read ", path_.string(), ": ", std::strerror(error));
  check(done == out.size(), path_.string(), " ends at byte ", begin + done, ", expected ",
        out.size() - done, " more bytes: it has become shorter since it was opened");
}

std::vector<uint8_t> ByteFile::read(uint64_t begin, uint64_t count) const {
  check_inside(begin, count);
  std::vector<uint8_t> bytes(count);
  read(begin, std::span(bytes));
  return bytes;
}

}  // namespace d2l::weights
