#pragma once

#include <ctime>
#include <filesystem>
#include <list>
#include <memory>
#include <mutex>
#include <span>

#include "framework/base/byte_source.h"

namespace d2l::data {

class InputFile;

// A cache of open descriptors for files that are read repeatedly. Keeps at most `most` open and
// closes the least recently used first. Thread-safe.
class DescriptorPool {
 public:
  // A sixteenth of the process's limit, at most 64, so that a dataset of any number of files
  // leaves enough descriptors for everything else.
  static size_t default_size();

  explicit DescriptorPool(size_t most = default_size()) : most_(most) {}

 private:
  friend class InputFile;

  // Closed when the last reader releases it.
  class Descriptor;
  using Shared = std::shared_ptr<const Descriptor>;

  Shared get(const InputFile& file);
  void keep(const InputFile& file, Shared descriptor);
  void forget(const InputFile& file);

  size_t most_;
  std::mutex mutex_;
  std::list<std::pair<const InputFile*, Shared>> open_;  // most recent first
};

// A regular file that is read in pieces; the pool may close it between reads. Thread-safe.
class InputFile : public ByteSource {
 public:
  // Throws Error naming the path and the system's reason if the file cannot be opened or is not a
  // regular file. Opening a FIFO does not block.
  InputFile(std::filesystem::path path, std::shared_ptr<DescriptorPool> pool);
  ~InputFile() override;

  const std::filesystem::path& path() const { return path_; }
  uint64_t size() const override { return size_; }

  // Fills `into` with the bytes at `offset`. Throws Error naming the path and the system's reason,
  // or if the file has changed since it was first opened.
  void read(uint64_t offset, std::span<uint8_t> into) const override;

 private:
  std::filesystem::path path_;
  std::shared_ptr<DescriptorPool> pool_;
  uint64_t size_ = 0;
  timespec modified_{};
};

}  // namespace d2l::data
