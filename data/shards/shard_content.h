#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "data/shards/shard_file.h"
#include "framework/hdf5_reader/array.h"
#include "framework/hdf5_reader/attributes.h"
#include "framework/hdf5_reader/plain_array.h"

// The parts of ShardFile.
namespace d2l::data {

// What both versions of the format have in common. The public functions are those of ShardFile.
class ShardFile::Content {
 public:
  Content(std::unique_ptr<InputFile> file, ShardInfo info)
      : file_(std::move(file)), info_(std::move(info)) {}
  virtual ~Content() = default;
  Content(const Content&) = delete;
  Content& operator=(const Content&) = delete;

  const InputFile& file() const { return *file_; }
  ShardInfo& info() { return info_; }
  const ShardInfo& info() const { return info_; }
  const std::optional<PixelSums>& sums() const { return sums_; }

  virtual int version() const = 0;
  virtual std::vector<int64_t> class_counts() const = 0;
  virtual std::vector<uint64_t> content_checksums() const = 0;
  virtual uint64_t stored_bytes() const = 0;
  virtual uint64_t memory() const = 0;
  virtual int64_t blocks() const = 0;
  virtual BlockPlace block(int64_t index) const = 0;
  virtual int64_t block_of(int64_t sample) const = 0;
  virtual SampleBlock read_block(int64_t index) const = 0;
  virtual bool has_single_samples() const = 0;
  virtual std::vector<SampleRecord> read_records(int64_t first_block, int64_t blocks) const = 0;
  virtual Sample read_sample(int64_t sample, const SampleRecord& record,
                             std::vector<uint8_t>& bytes) const = 0;
  virtual std::string name_of(int64_t sample) const = 0;
  virtual void verify() const = 0;

 protected:
  std::string path() const { return file_->path().string(); }
  // "PATH: samples 200 to 299", of the block.
  std::string place_of_block(const BlockPlace& place) const;
  // Throws DamagedSample if a sample of the block is damaged.
  SampleBlock read_intact_block(int64_t index) const;

  std::unique_ptr<InputFile> file_;
  ShardInfo info_;
  std::optional<PixelSums> sums_;
};

// The attributes and the HDF5 datasets of a shard's root group.
class ShardRoot {
 public:
  explicit ShardRoot(const InputFile& file);

  int version() const { return version_; }
  // The attributes of both versions.
  ShardInfo read_info() const;
  int64_t integer(const std::string& name, int64_t least, int64_t most) const;
  bool has(const std::string& dataset) const;
  // Calls action(object) for an HDF5 dataset. FormatErrors get its name.
  template <class Action>
  auto with(const std::string& dataset, const Action& action) const {
    return hdf5::in_place("dataset '" + dataset + "': ", [&] { return action(object(dataset)); });
  }
  const hdf5::Structures& structures() const { return structures_; }

 private:
  hdf5::Object object(const std::string& dataset) const;

  hdf5::Structures structures_;
  hdf5::Object root_;
  hdf5::Attributes attributes_;
  std::vector<hdf5::Link> links_;
  int version_ = 0;
};

// Splits the elements of `class_names`, each of `width` bytes.
std::vector<std::string> parse_class_names(std::span<const uint8_t> bytes, uint64_t width);
// Checks the element type and the number of class names.
void require_class_names(const hdf5::ElementType& type, uint64_t count, int64_t classes);

std::unique_ptr<ShardFile::Content> open_version1(std::unique_ptr<InputFile> file,
                                                  const ShardRoot& root);
std::unique_ptr<ShardFile::Content> open_version2(std::unique_ptr<InputFile> file,
                                                  const ShardRoot& root);

}  // namespace d2l::data
