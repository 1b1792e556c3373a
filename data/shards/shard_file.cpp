#include "data/shards/shard_file.h"

#include <string>
#include <utility>

#include "data/shards/shard_content.h"
#include "framework/base/error.h"

namespace d2l::data {

Sample SampleBlock::sample(size_t number) const {
  Sample sample;
  if (!damage.empty() && !damage[number].empty()) {
    sample.damage = damage[number];
    return sample;
  }
  const SampleRecord& record = records[number];
  sample.encoding = static_cast<Encoding>(record.encoding);
  sample.bytes = std::span(bytes).subspan(record.offset, record.bytes);
  sample.shape = {record.height, record.width, record.channels};
  sample.label = record.label;
  return sample;
}

ShardFile::ShardFile(const std::filesystem::path& path, std::shared_ptr<DescriptorPool> pool) {
  auto file = std::make_unique<InputFile>(path, std::move(pool));
  content_ = hdf5::in_place(path.string() + ": ", [&] {
    const ShardRoot root(*file);
    return root.version() == 1 ? open_version1(std::move(file), root)
                               : open_version2(std::move(file), root);
  });
}
ShardFile::~ShardFile() = default;
ShardFile::ShardFile(ShardFile&&) noexcept = default;
ShardFile& ShardFile::operator=(ShardFile&&) noexcept = default;

const std::filesystem::path& ShardFile::path() const { return content_->file().path(); }
int ShardFile::version() const { return content_->version(); }
const ShardInfo& ShardFile::info() const { return std::as_const(*content_).info(); }
void ShardFile::drop_class_names() {
  std::vector<std::string>().swap(content_->info().dataset.class_names);
}
std::vector<int64_t> ShardFile::class_counts() const { return content_->class_counts(); }
const std::optional<PixelSums>& ShardFile::sums() const { return content_->sums(); }
std::vector<uint64_t> ShardFile::content_checksums() const { return content_->content_checksums(); }
uint64_t ShardFile::stored_bytes() const { return content_->stored_bytes(); }
uint64_t ShardFile::memory() const { return content_->memory(); }

int64_t ShardFile::blocks() const { return content_->blocks(); }
BlockPlace ShardFile::block(int64_t index) const { return content_->block(index); }
int64_t ShardFile::block_of(int64_t sample) const { return content_->block_of(sample); }
SampleBlock ShardFile::read_block(int64_t index) const { return content_->read_block(index); }
bool ShardFile::has_single_samples() const { return content_->has_single_samples(); }
std::vector<SampleRecord> ShardFile::read_records(int64_t first_block, int64_t blocks) const {
  return content_->read_records(first_block, blocks);
}
Sample ShardFile::read_sample(int64_t sample, const SampleRecord& record,
                              std::vector<uint8_t>& bytes) const {
  return content_->read_sample(sample, record, bytes);
}

std::string ShardFile::name_of(int64_t sample) const { return content_->name_of(sample); }

std::string ShardFile::place_of(int64_t sample) const {
  std::string name;
  try {
    name = name_of(sample);
  } catch (const Error&) {  // the place is part of a message about something else
  }
  return concat(path().filename().string(), ", sample ", sample,
                name.empty() ? "" : concat(" (", name, ")"));
}

void ShardFile::verify() const { content_->verify(); }

std::string ShardFile::Content::place_of_block(const BlockPlace& place) const {
  return concat(path(), ": samples ", place.first, " to ", place.first + place.samples - 1);
}

SampleBlock ShardFile::Content::read_intact_block(int64_t index) const {
  SampleBlock result = read_block(index);
  for (const std::string& damage : result.damage)
    if (!damage.empty()) throw DamagedSample(damage);
  check(result.damage.empty(), place_of_block(block(index)),
        ": the samples are intact, but the checksum of their chunk is not theirs");
  return result;
}

}  // namespace d2l::data
