#include <algorithm>
#include <cstring>
#include <limits>

#include "data/shards/shard_content.h"
#include "data/shards/tables.h"
#include "framework/base/checksum.h"
#include "framework/base/error.h"
#include "framework/hdf5_reader/filters.h"

namespace d2l::data {
namespace {

using hdf5::require;

std::string found_instead(uint64_t expected, uint64_t found) {
  return concat("expected checksum ", checksum_text(expected), ", found ", checksum_text(found));
}

class Version2 final : public ShardFile::Content {
 public:
  Version2(std::unique_ptr<InputFile> file, ShardInfo info, ShardTables tables)
      : Content(std::move(file), std::move(info)), tables_(std::move(tables)) {
    sums_ = tables_.sums;
  }

  int version() const override { return 2; }
  std::vector<int64_t> class_counts() const override {
    return read_class_counts(*file_, tables_.class_counts);
  }
  std::vector<uint64_t> content_checksums() const override;
  uint64_t stored_bytes() const override { return tables_.data.bytes; }
  uint64_t memory() const override { return rows().size() * sizeof(ChunkRow); }
  int64_t blocks() const override { return static_cast<int64_t>(rows().size()); }
  BlockPlace block(int64_t index) const override;
  int64_t block_of(int64_t sample) const override;
  SampleBlock read_block(int64_t index) const override;
  bool has_single_samples() const override;
  std::vector<SampleRecord> read_records(int64_t first_block, int64_t blocks) const override;
  Sample read_sample(int64_t sample, const SampleRecord& record,
                     std::vector<uint8_t>& bytes) const override;
  std::string name_of(int64_t sample) const override;
  void verify() const override;

 private:
  const std::vector<ChunkRow>& rows() const { return tables_.chunks; }
  const ChunkRow& row(int64_t block) const { return rows()[static_cast<size_t>(block)]; }
  // "PATH: sample 17 (cats/1.jpg) is damaged: " and what.
  std::string damage_of(int64_t sample, const std::string& what) const;
  std::string place_of_row(const ChunkRow& row) const;
  std::vector<uint8_t> read_names(const ChunkRow& row) const;
  void find_damage(const ChunkRow& row, SampleBlock& block) const;
  void verify_block(int64_t index, std::vector<int64_t>& counts) const;

  ShardTables tables_;
};

std::vector<uint64_t> Version2::content_checksums() const {
  std::vector<uint64_t> sums;  // a record contains the label and the checksum of the image
  for (const ChunkRow& row : rows()) sums.push_back(row.records_checksum);
  return {checksum(sums.data(), sums.size() * sizeof(uint64_t))};
}

BlockPlace Version2::block(int64_t index) const {
  const ChunkRow& chunk = row(index);
  return {.first = static_cast<int64_t>(chunk.first),
          .samples = static_cast<int64_t>(chunk.samples),
          .bytes = chunk.bytes + chunk.samples * sizeof(SampleRecord)};
}

int64_t Version2::block_of(int64_t sample) const {
  const auto after = std::upper_bound(rows().begin(), rows().end(), static_cast<uint64_t>(sample),
                                      [](uint64_t s, const ChunkRow& r) { return s < r.first; });
  return after - rows().begin() - 1;
}

bool Version2::has_single_samples() const {
  return std::all_of(rows().begin(), rows().end(),
                     [](const ChunkRow& row) { return row.stored_bytes == row.bytes; });
}

std::string Version2::place_of_row(const ChunkRow& row) const {
  return place_of_block(
      {static_cast<int64_t>(row.first), static_cast<int64_t>(row.samples), row.bytes});
}

std::string Version2::damage_of(int64_t sample, const std::string& what) const {
  std::string name;
  try {
    name = name_of(sample);
  } catch (const Error&) {  // the damaged image is worth more words than its name
  }
  return concat(path(), ": sample ", sample, name.empty() ? "" : concat(" (", name, ")"),
                " is damaged: ", what);
}

std::vector<SampleRecord> Version2::read_records(int64_t first_block, int64_t blocks) const {
  const uint64_t first = row(first_block).first;
  const ChunkRow& last = row(first_block + blocks - 1);
  std::vector<SampleRecord> records(last.first + last.samples - first);
  file_->read(tables_.records.address + first * sizeof(SampleRecord),
              {reinterpret_cast<uint8_t*>(records.data()), records.size() * sizeof(SampleRecord)});
  for (int64_t index = first_block; index < first_block + blocks; ++index) {
    const ChunkRow& chunk = row(index);
    const std::span part = std::span(records).subspan(chunk.first - first, chunk.samples);
    if (!problem_of(part, chunk, info_.dataset).empty())
      std::fill(part.begin(), part.end(), SampleRecord{});
  }
  return records;
}

SampleBlock Version2::read_block(int64_t index) const {
  const ChunkRow& chunk = row(index);
  SampleBlock block;
  block.records.resize(chunk.samples);
  const std::span<SampleRecord> records(block.records);
  file_->read(tables_.records.address + chunk.first * sizeof(SampleRecord),
              {reinterpret_cast<uint8_t*>(records.data()), records.size_bytes()});
  const std::string problem = problem_of(records, chunk, info_.dataset);
  if (!problem.empty()) {
    std::fill(records.begin(), records.end(), SampleRecord{});
    block.damage.assign(records.size(),
                        concat(place_of_row(chunk), " are damaged (", problem, ")"));
    return block;
  }
  block.bytes.resize(chunk.stored_bytes);
  file_->read(tables_.data.address + chunk.offset, block.bytes);
  const uint64_t found = checksum(block.bytes.data(), block.bytes.size());
  const bool compressed = chunk.stored_bytes < chunk.bytes,
             intact = checksums_agree(chunk.checksum, found);
  if (!compressed && !intact) find_damage(chunk, block);
  if (!compressed) return block;
  try {
    require(intact, found_instead(chunk.checksum, found));
    block.bytes =
        hdf5::undo_filters({{hdf5::Filter::Kind::deflate}}, 0, std::move(block.bytes), chunk.bytes);
  } catch (const hdf5::FormatError& error) {
    block.bytes.clear();
    block.damage.assign(records.size(),
                        concat(place_of_row(chunk), " are damaged (", error.what(), ")"));
  }
  return block;
}

void Version2::find_damage(const ChunkRow& row, SampleBlock& block) const {
  block.damage.resize(block.records.size());
  for (size_t i = 0; i < block.records.size(); ++i) {
    const SampleRecord& record = block.records[i];
    const uint64_t found = checksum(block.bytes.data() + record.offset, record.bytes);
    if (!checksums_agree(record.checksum, found))
      block.damage[i] =
          damage_of(static_cast<int64_t>(row.first + i), found_instead(record.checksum, found));
  }
}

Sample Version2::read_sample(int64_t sample, const SampleRecord& record,
                             std::vector<uint8_t>& bytes) const {
  Sample result;
  if (record.bytes == 0) {
    result.damage = damage_of(sample, "its record is not what was written");
    return result;
  }
  bytes.resize(record.bytes);
  file_->read(tables_.data.address + row(block_of(sample)).offset + record.offset, bytes);
  const uint64_t found = checksum(bytes.data(), bytes.size());
  if (!checksums_agree(record.checksum, found)) {
    result.damage = damage_of(sample, found_instead(record.checksum, found));
    return result;
  }
  result.encoding = static_cast<Encoding>(record.encoding);
  result.bytes = bytes;
  result.shape = {record.height, record.width, record.channels};
  result.label = record.label;
  return result;
}

std::vector<uint8_t> Version2::read_names(const ChunkRow& row) const {
  std::vector<uint8_t> names(row.names_bytes);
  file_->read(tables_.names.address + row.names_offset, names);
  const uint64_t found = checksum(names.data(), names.size());
  check(checksums_agree(row.names_checksum, found), place_of_row(row),
        ": their names are damaged: ", found_instead(row.names_checksum, found));
  const auto count = static_cast<uint64_t>(std::count(names.begin(), names.end(), 0));
  check(count == row.samples && names.back() == 0, place_of_row(row), ": expected ", row.samples,
        " names, each with a zero byte after it, found ", count, " zero bytes");
  return names;
}

std::string Version2::name_of(int64_t sample) const {
  const ChunkRow& chunk = row(block_of(sample));
  const std::vector<uint8_t> names = read_names(chunk);
  auto begin = names.begin();
  for (uint64_t i = chunk.first; i < static_cast<uint64_t>(sample); ++i)
    begin = std::find(begin, names.end(), 0) + 1;
  return {begin, std::find(begin, names.end(), 0)};
}

void Version2::verify() const {
  std::vector<int64_t> counts(static_cast<size_t>(info_.dataset.classes));
  for (int64_t index = 0; index < blocks(); ++index) verify_block(index, counts);
  const std::vector<int64_t> stated = class_counts();
  for (size_t label = 0; label < counts.size(); ++label)
    check(counts[label] == stated[label], path(), ": dataset 'class_counts': expected ",
          stated[label], " samples of class ", label, ", found ", counts[label]);
}

void Version2::verify_block(int64_t index, std::vector<int64_t>& counts) const {
  SampleBlock block = read_intact_block(index);
  find_damage(row(index), block);  // a chunk and its samples have separate checksums
  for (const std::string& damage : block.damage)
    if (!damage.empty()) throw DamagedSample(damage);
  for (const SampleRecord& record : block.records) ++counts[record.label];
  read_names(row(index));
}

}  // namespace

std::unique_ptr<ShardFile::Content> open_version2(std::unique_ptr<InputFile> file,
                                                  const ShardRoot& root) {
  ShardInfo info = root.read_info();
  info.deflate = static_cast<int>(root.integer("deflate", 0, 9));
  const int64_t most = std::numeric_limits<int32_t>::max();
  const int64_t height = root.integer("height", 0, most), width = root.integer("width", 0, most);
  require((height > 0) == (width > 0), "expected height and width, or 0 for both, found ", height,
          " and ", width);
  info.dataset.shape = {height, width, root.integer("channels", 1, 65535)};
  ShardTables tables = read_tables(*file, root, info);
  return std::make_unique<Version2>(std::move(file), std::move(info), std::move(tables));
}

}  // namespace d2l::data
