#include "data/shards/shard_writer.h"

#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "data/shards/table_writer.h"
#include "framework/base/checksum.h"
#include "framework/base/error.h"
#include "framework/base/files.h"

namespace d2l::data {
namespace {

// A file that is open for writing; closed by the destructor.
class OutputFile {
 public:
  OutputFile(const std::filesystem::path& path, int flags)
      : descriptor_(::open(path.c_str(), flags | O_CLOEXEC, 0666)) {
    if (descriptor_ < 0) fail_with(errno, "cannot make a file beside it");
  }
  ~OutputFile() { ::close(descriptor_); }
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void seek(uint64_t offset) {
    if (::lseek(descriptor_, static_cast<off_t>(offset), SEEK_SET) < 0)
      fail_with(errno, "cannot seek");
  }
  void write(const void* bytes, size_t count) {
    if (const int error = write_all(descriptor_, bytes, count); error != 0)
      fail_with(error, "cannot write its samples");
  }
  void read_at(uint64_t offset, std::span<uint8_t> into) {
    while (!into.empty()) {
      const ssize_t got =
          ::pread(descriptor_, into.data(), into.size(), static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) fail_with(got < 0 ? errno : EIO, "cannot read its samples back");
      offset += static_cast<uint64_t>(got);
      into = into.subspan(static_cast<size_t>(got));
    }
  }

 private:
  int descriptor_;
};

// The bytes as they are stored: compressed if that makes them fewer.
std::vector<uint8_t> stored_form(std::vector<uint8_t> bytes, int level) {
  if (level == 0) return bytes;
  uLongf size = ::compressBound(bytes.size());
  std::vector<uint8_t> smaller(size);
  check(::compress2(smaller.data(), &size, bytes.data(), bytes.size(), level) == Z_OK,
        "cannot compress ", bytes.size(), " bytes");
  if (size >= bytes.size()) return bytes;
  smaller.resize(size);
  return smaller;
}

}  // namespace

struct ShardWriter::State {
  State(std::filesystem::path to, ShardInfo description, uint64_t most)
      : path(std::move(to)), raw_path(unused_name_beside(path)), chunk_bytes(most) {
    contents.info = std::move(description);
  }
  ~State() {
    if (raw) ::unlink(raw_path.c_str());
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  // Prefixes an Error thrown by `action` with the path.
  template <class Action>
  void run(const Action& action) const {
    const std::string begin = "cannot write " + path.string() + ": ";
    try {
      action();
    } catch (const NoRoomError& error) {
      throw NoRoomError(begin + error.what());
    } catch (const Error& error) {
      throw Error(begin + error.what());
    }
  }
  void add(const Sample& sample, const std::string& name);
  void end_chunk();
  void check_sums() const;
  void write_to(const std::filesystem::path& temporary);

  const std::filesystem::path path, raw_path;
  const uint64_t chunk_bytes;
  std::unique_ptr<OutputFile> raw;  // the stored bytes of the chunks
  ShardContents contents;
  std::vector<uint8_t> chunk;  // the samples that are not yet in `raw`
};

void ShardWriter::State::add(const Sample& sample, const std::string& name) {
  const int64_t number = static_cast<int64_t>(contents.records.size());
  const std::string place = concat("sample ", number, name.empty() ? "" : " (" + name + ")", ": ");
  check(sample.damage.empty(), place, sample.damage);
  check(name.size() < kMostNameBytes && name.find('\0') == std::string::npos, place,
        "expected a name below ", kMostNameBytes, " bytes and without zero bytes, found ",
        name.size(), " bytes");
  const DatasetInfo& info = contents.info.dataset;
  check(sample.label >= 0 && sample.label < info.classes, place, "expected labels in [0, ",
        info.classes, "), found ", sample.label);
  check(sample.shape.rank() == 3 && sample.shape[2] <= std::numeric_limits<uint16_t>::max() &&
            std::all_of(sample.shape.begin(), sample.shape.end(),
                        [](int64_t size) { return size > 0 && size <= INT32_MAX; }),
        place, "expected an image of height, width, channels, found shape ", sample.shape);
  check(sample.bytes.size() <= kMostChunkBytes, place, "expected at most ", kMostChunkBytes,
        " bytes, found ", sample.bytes.size());
  if (!chunk.empty() && chunk.size() + sample.bytes.size() > chunk_bytes) end_chunk();

  SampleRecord record;
  record.checksum = checksum(sample.bytes.data(), sample.bytes.size());
  record.offset = static_cast<uint32_t>(chunk.size());
  record.bytes = static_cast<uint32_t>(sample.bytes.size());
  record.label = static_cast<uint32_t>(sample.label);
  record.height = static_cast<uint32_t>(sample.shape[0]);
  record.width = static_cast<uint32_t>(sample.shape[1]);
  record.channels = static_cast<uint16_t>(sample.shape[2]);
  record.encoding = static_cast<uint16_t>(sample.encoding);
  const std::string problem = problem_of(record, info);
  check(problem.empty(), place, problem);
  chunk.insert(chunk.end(), sample.bytes.begin(), sample.bytes.end());
  contents.records.push_back(record);
  contents.names += name;
  contents.names += '\0';
}

void ShardWriter::State::end_chunk() {
  if (chunk.empty()) return;
  std::vector<ChunkRow>& rows = contents.chunks;
  check(rows.size() < kMostChunksInShard, "expected at most ", kMostChunksInShard,
        " chunks; write more shards");
  ChunkRow row;
  if (!rows.empty()) {
    row.first = rows.back().first + rows.back().samples;
    row.offset = rows.back().offset + rows.back().stored_bytes;
    row.names_offset = rows.back().names_offset + rows.back().names_bytes;
  }
  row.samples = contents.records.size() - row.first;
  row.bytes = chunk.size();
  const std::vector<uint8_t> stored = stored_form(std::exchange(chunk, {}), contents.info.deflate);
  row.stored_bytes = stored.size();
  row.checksum = checksum(stored.data(), stored.size());
  row.records_checksum =
      checksum(contents.records.data() + row.first, row.samples * sizeof(SampleRecord));
  row.names_bytes = contents.names.size() - row.names_offset;
  row.names_checksum = checksum(contents.names.data() + row.names_offset, row.names_bytes);
  raw->write(stored.data(), stored.size());
  rows.push_back(row);
}

void ShardWriter::State::check_sums() const {
  if (!contents.sums) return;
  uint64_t pixels = 0;
  for (const SampleRecord& record : contents.records)
    pixels += uint64_t{record.height} * record.width;
  check(contents.sums->pixels == pixels, "expected sums of all ", pixels, " pixels, found sums of ",
        contents.sums->pixels);
}

void ShardWriter::State::write_to(const std::filesystem::path& temporary) {
  const uint64_t address = write_contents(temporary, contents);
  OutputFile file(temporary, O_WRONLY);
  file.seek(address);
  std::vector<uint8_t> bytes;
  for (const ChunkRow& row : contents.chunks) {
    bytes.resize(row.stored_bytes);
    raw->read_at(row.offset, bytes);
    file.write(bytes.data(), bytes.size());
  }
}

ShardWriter::ShardWriter(std::filesystem::path path, ShardInfo info, uint64_t chunk_bytes)
    : state_(std::make_unique<State>(std::move(path), std::move(info), chunk_bytes)) {
  const ShardInfo& shard = state_->contents.info;
  const DatasetInfo& set = shard.dataset;
  state_->run([&] {
    check(shard.deflate >= 0 && shard.deflate <= 9,
          "expected a compression level of 0 to 9, found ", shard.deflate);
    check(set.classes >= 1 && set.classes <= kMostClasses, "expected 1 to ", kMostClasses,
          " classes, found ", set.classes);
    check(set.class_names.empty() || set.class_names.size() == static_cast<size_t>(set.classes),
          "expected ", set.classes, " class names, found ", set.class_names.size());
    check(set.shape.rank() == 3 && set.shape[2] > 0 && (set.shape[0] > 0) == (set.shape[1] > 0),
          "expected images of height, width, channels, found shape ", set.shape);
    state_->raw = std::make_unique<OutputFile>(state_->raw_path, O_RDWR | O_CREAT | O_EXCL);
  });
}
ShardWriter::~ShardWriter() = default;

void ShardWriter::add(const Sample& sample, const std::string& name) {
  state_->run([&] { state_->add(sample, name); });
}

void ShardWriter::add(const PixelSums& sums) {
  state_->run([&] {
    if (!state_->contents.sums) state_->contents.sums.emplace();
    state_->contents.sums->add(sums);
    check(sums.values.size() == static_cast<size_t>(state_->contents.info.dataset.shape[2]),
          "expected sums of ", state_->contents.info.dataset.shape[2], " channels, found ",
          sums.values.size());
  });
}

int64_t ShardWriter::samples() const {
  return static_cast<int64_t>(state_->contents.records.size());
}

void ShardWriter::finish(int64_t first, int64_t total) {
  State& state = *state_;
  ShardInfo& info = state.contents.info;
  info.samples = samples();
  info.first = first;
  info.dataset.samples = total;
  state.run([&] {
    check(info.samples > 0, "expected at least one sample");
    check(first >= 0 && total <= kMostSamples && info.samples <= total - first, "expected at most ",
          total, " samples, found ", first, " and ", info.samples, " after them");
    state.check_sums();
    state.end_chunk();
    std::filesystem::path written;
    replace_file(
        state.path,
        [&](const std::filesystem::path& temporary) {
          written = temporary;
          state.write_to(temporary);
        },
        // A file that readers would reject does not get its final name.
        [&] { ShardFile(written).verify(); });
  });
}

std::string shard_name(Split split, int index, int shards) {
  char numbers[64];
  std::snprintf(numbers, sizeof numbers, "-%05d-of-%05d.h5", index, shards);
  return to_string(split) + numbers;
}

void write_shard(const std::filesystem::path& path, const ShardInfo& info, const Dataset& source,
                 const std::function<void()>& progress, uint64_t chunk_bytes) {
  check(info.samples > 0 && info.first >= 0 && info.first + info.samples <= source.samples(),
        path.string(), ": samples ", info.first, " to ", info.first + info.samples - 1,
        " are not in ", source.name(), ", which has ", source.samples());
  check(info.dataset.shape == source.shape(), path.string(), ": expected inputs of shape ",
        info.dataset.shape, ", found ", source.shape());
  ShardWriter writer(path, info, chunk_bytes);
  PixelSums sums;
  bool known = true;
  for (int64_t index = info.first; index < info.first + info.samples; ++index) {
    try {
      progress();
    } catch (const Error& error) {
      fail("cannot write ", path.string(), ": ", error.what());
    }
    source.visit(std::span(&index, 1), [&](size_t, const Sample& sample) {
      writer.add(sample, source.name_of(index));
      known = known && sample.encoding == Encoding::pixels;
      if (known) sums.add(sample.bytes.data(), sample.shape);
    });
  }
  if (known) writer.add(sums);
  writer.finish(info.first, info.dataset.samples);
}

}  // namespace d2l::data
