#include "data/input_file.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "framework/base/error.h"
#include "framework/base/files.h"

namespace d2l::data {

class DescriptorPool::Descriptor {
 public:
  explicit Descriptor(const std::filesystem::path& path)
      : number_(open_regular_file(path, O_RDONLY)) {}
  ~Descriptor() { ::close(number_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int number() const { return number_; }
  struct stat status(const std::filesystem::path& path) const {
    struct stat found {};
    check(::fstat(number_, &found) == 0, "cannot read ", path.string(), ": ", std::strerror(errno));
    return found;
  }

 private:
  int number_;
};

size_t DescriptorPool::default_size() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return std::clamp<rlim_t>(limit.rlim_cur / 16, 1, 64);
}

DescriptorPool::Shared DescriptorPool::get(const InputFile& file) {
  {
    std::lock_guard lock(mutex_);
    auto found = std::find_if(open_.begin(), open_.end(),
                              [&](const auto& entry) { return entry.first == &file; });
    if (found != open_.end()) {
      open_.splice(open_.begin(), open_, found);
      return open_.front().second;
    }
  }
  // Opened without the lock, so that a slow file system does not block other threads.
  auto descriptor = std::make_shared<const Descriptor>(file.path());
  keep(file, descriptor);
  return descriptor;
}

void DescriptorPool::keep(const InputFile& file, Shared descriptor) {
  std::lock_guard lock(mutex_);
  while (!open_.empty() && open_.size() >= most_) open_.pop_back();
  open_.emplace_front(&file, std::move(descriptor));
}

void DescriptorPool::forget(const InputFile& file) {
  std::lock_guard lock(mutex_);
  open_.remove_if([&](const auto& entry) { return entry.first == &file; });
}

InputFile::InputFile(std::filesystem::path path, std::shared_ptr<DescriptorPool> pool)
    : path_(std::move(path)), pool_(std::move(pool)) {
  auto descriptor = std::make_shared<const DescriptorPool::Descriptor>(path_);
  const struct stat status = descriptor->status(path_);
  size_ = static_cast<uint64_t>(status.st_size);
  modified_ = status.st_mtim;
  pool_->keep(*this, std::move(descriptor));
}

InputFile::~InputFile() { pool_->forget(*this); }

void InputFile::read(uint64_t offset, std::span<uint8_t> into) const {
  const DescriptorPool::Shared descriptor = pool_->get(*this);
  const struct stat status = descriptor->status(path_);
  // The inode number is not compared: on some network file systems it changes at each open.
  check(static_cast<uint64_t>(status.st_size) == size_ &&
            status.st_mtim.tv_sec == modified_.tv_sec &&
            status.st_mtim.tv_nsec == modified_.tv_nsec,
        path_.string(), " has been changed since it was opened");
  size_t done = 0;
  const int error = read_at(descriptor->number(), offset, into, done);
  check(error == 0, "cannot read ", path_.string(), ": ", std::strerror(error));
  check(done == into.size(), path_.string(), " ends at byte ", offset + done, ", expected ",
        into.size() - done, " more bytes");
}

}  // namespace d2l::data
