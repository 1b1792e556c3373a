#pragma once

#include <sys/mount.h>

#include <filesystem>

namespace d2l::test {

// A file system of a few hundred KB in memory; mounted() is false if mounting is not permitted.
class SmallDisk {
 public:
  SmallDisk(std::filesystem::path at, const char* size_option)
      : at_(std::move(at)),
        mounted_(mount("d2l-test", at_.c_str(), "tmpfs", 0, size_option) == 0) {}
  ~SmallDisk() {
    if (mounted_) umount2(at_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  bool mounted() const { return mounted_; }

 private:
  std::filesystem::path at_;
  bool mounted_;
};

}  // namespace d2l::test
