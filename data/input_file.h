#pragma once

#include <ctime>
#include <filesystem>
#include <list>
#include <memory>
#include <mutex>
#include <span>

namespace d2l::data {

class InputFile;

// The descriptors of files that are read again and again. At most `most` are kept open; the one
// that was not used for longest is closed first. Safe to use from several threads.
class DescriptorPool {
 public:
  // A sixteenth of what the process may have open, so that a set of any number of files leaves
  // enough for everything else; at most 64.
  static size_t default_size();

  explicit DescriptorPool(size_t most = default_size()) : most_(most) {}

 private:
  friend class InputFile;

  // Closes itself when the last reader has let go of it.
  class Descriptor;
  using Shared = std::shared_ptr<const Descriptor>;

  Shared get(const InputFile& file);
  void keep(const InputFile& file, Shared descriptor);
  void forget(const InputFile& file);

  size_t most_;
  std::mutex mutex_;
  std::list<std::pair<const InputFile*, Shared>> open_;  // most recent first
};

// A regular file that is read in pieces and not held open between them. Safe to use from several
// threads.
class InputFile {
 public:
  // Throws Error naming the path and the system's reason when the file cannot be opened, and when
  // it is no regular one (which is found out without waiting for anybody at the other end).
  InputFile(std::filesystem::path path, std::shared_ptr<DescriptorPool> pool);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  const std::filesystem::path& path() const { return path_; }
  uint64_t size() const { return size_; }

  // Fills `into` with what lies at `offset`. Throws Error naming the path and the system's reason,
  // or that the file has been changed since it was opened first.
  void read(uint64_t offset, std::span<uint8_t> into) const;

 private:
  std::filesystem::path path_;
  std::shared_ptr<DescriptorPool> pool_;
  uint64_t size_ = 0;
  timespec modified_{};
};

}  // namespace d2l::data
