#include "data/shards/tables.h"

#include <cstring>

#include "framework/base/checksum.h"
#include "framework/base/error.h"
#include "framework/hdf5_reader/checked_array.h"
#include "framework/hdf5_reader/filters.h"

namespace d2l::data {
namespace {

using hdf5::PlainArray;
using hdf5::require;
using Kind = hdf5::ElementType::Kind;

std::vector<uint8_t> read_all(const InputFile& file, const PlainArray& array) {
  std::vector<uint8_t> bytes(array.bytes);
  file.read(array.address, bytes);
  return bytes;
}

// The elements of a small HDF5 dataset that has its checksum as an attribute.
std::vector<uint8_t> read_checked(const InputFile& file, const ShardRoot& root,
                                  const hdf5::Object& dataset, const PlainArray& array) {
  std::vector<uint8_t> bytes(array.bytes);
  hdf5::read_checked(file, root.structures(), {dataset, array}, bytes);
  return bytes;
}

void require_rank(const PlainArray& array, size_t rank) {
  require(array.sizes.size() == rank, "expected ", rank, rank == 1 ? " axis" : " axes", ", found ",
          array.sizes.size());
}

// Checks that the rows of a table are these columns, without gaps.
template <size_t count>
void require_columns(const PlainArray& array, const std::array<Column, count>& columns) {
  const hdf5::ElementType& type = array.type;
  require(type.kind == Kind::compound && type.members.size() == count, "expected a table of ",
          count, " columns of whole numbers");
  uint64_t offset = 0;
  for (size_t i = 0; i < count; ++i) {
    const hdf5::Member& member = type.members[i];
    require(member.name == columns[i].name && member.offset == offset &&
                member.bytes == columns[i].bytes && !member.is_signed,
            "expected the column '", columns[i].name, "' of ", 8 * columns[i].bytes,
            " bits without sign at byte ", offset, ", found '", member.name.substr(0, 40), "' of ",
            8 * member.bytes, member.is_signed ? " bits with" : " bits without", " sign at byte ",
            member.offset);
    offset += member.bytes;
  }
  require(type.bytes == offset, "expected rows of ", offset, " bytes, found ", type.bytes);
  require_rank(array, 1);
}

PlainArray bytes_of(const ShardRoot& root, const std::string& name) {
  return root.with(name, [&](const hdf5::Object& dataset) {
    PlainArray array = hdf5::read_plain_array(root.structures(), dataset);
    require(array.type.kind == Kind::integer && array.type.bytes == 1 && !array.type.is_signed,
            "expected unsigned bytes");
    require_rank(array, 1);
    return array;
  });
}

PlainArray find_records(const ShardRoot& root) {
  return root.with("records", [&](const hdf5::Object& dataset) {
    PlainArray array = hdf5::read_plain_array(root.structures(), dataset);
    require_columns(array, kRecordColumns);
    return array;
  });
}

std::vector<std::string> read_class_names(const InputFile& file, const ShardRoot& root,
                                          int64_t classes) {
  if (!root.has("class_names")) return {};
  return root.with("class_names", [&](const hdf5::Object& dataset) {
    const PlainArray array = hdf5::read_plain_array(root.structures(), dataset);
    require_rank(array, 1);
    require_class_names(array.type, array.sizes[0], classes);
    require(array.bytes <= kMostChunkBytes, "expected at most ", kMostChunkBytes, " bytes, found ",
            array.bytes);
    return parse_class_names(read_checked(file, root, dataset, array), array.type.bytes);
  });
}

PlainArray read_counts(const InputFile& file, const ShardRoot& root, const ShardInfo& info) {
  return root.with("class_counts", [&](const hdf5::Object& dataset) {
    PlainArray array = hdf5::read_plain_array(root.structures(), dataset);
    require(array.type.kind == Kind::integer && array.type.bytes == sizeof(int64_t),
            "expected 64-bit integers");
    require_rank(array, 1);
    require(array.elements() == static_cast<uint64_t>(info.dataset.classes), "expected ",
            info.dataset.classes, " counts, found ", array.elements());
    read_checked(file, root, dataset, array);
    int64_t left = info.samples;
    for (int64_t count : read_class_counts(file, array)) {
      require(count >= 0 && count <= left, "the counts do not add up to ", info.samples,
              " samples");
      left -= count;
    }
    require(left == 0, "the counts do not add up to ", info.samples, " samples");
    return array;
  });
}

PixelSums read_sums(const InputFile& file, const ShardRoot& root, int64_t channels) {
  return root.with("pixel_sums", [&](const hdf5::Object& dataset) {
    const PlainArray array = hdf5::read_plain_array(root.structures(), dataset);
    require(array.type.kind == Kind::integer && array.type.bytes == sizeof(uint64_t) &&
                !array.type.is_signed,
            "expected 64-bit integers without sign");
    require(array.sizes == std::vector<uint64_t>{static_cast<uint64_t>(channels), 2},
            "expected two sums for each of ", channels, " channels");
    const std::vector<uint8_t> bytes = read_checked(file, root, dataset, array);
    PixelSums sums;
    const int64_t pixels = hdf5::Attributes(root.structures(), dataset).integer("pixels");
    require(pixels > 0 && static_cast<uint64_t>(pixels) <= PixelSums::kMostPixels,
            "attribute 'pixels': expected 1 to ", PixelSums::kMostPixels, ", found ", pixels);
    sums.pixels = static_cast<uint64_t>(pixels);
    for (hdf5::Cursor cursor(bytes); cursor.left() > 0;) {
      sums.values.push_back(cursor.number(8));
      sums.squares.push_back(cursor.number(8));
      require(sums.values.back() <= 255 * sums.pixels &&
                  sums.squares.back() <= 255 * sums.values.back() &&
                  sums.squares.back() >= sums.values.back(),
              "bytes of ", sums.pixels, " pixels cannot have these sums");
    }
    return sums;
  });
}

// Checks that the chunks and their parts follow each other without gaps.
void check_rows(const std::vector<ChunkRow>& rows, const ShardTables& tables) {
  ChunkRow end;  // of everything before a row
  for (size_t i = 0; i < rows.size(); ++i) {
    const ChunkRow& row = rows[i];
    const bool follows =
        row.first == end.first && row.offset == end.offset && row.names_offset == end.names_offset;
    require(follows, "chunk ", i, " does not begin where the one before it ends");
    require(row.samples > 0 && row.samples <= tables.records.elements() - row.first &&
                row.stored_bytes <= tables.data.bytes - row.offset &&
                row.names_bytes <= tables.names.bytes - row.names_offset,
            "chunk ", i, " has more samples, bytes or names than the shard");
    require(row.bytes <= kMostChunkBytes && row.samples <= row.bytes, "chunk ", i,
            ": expected at most ", kMostChunkBytes, " bytes, and at least one for each of ",
            row.samples, " samples, found ", row.bytes);
    require(row.stored_bytes <= row.bytes && (row.stored_bytes == row.bytes ||
                                              row.bytes <= hdf5::kDeflateRatio * row.stored_bytes),
            "chunk ", i, ": ", row.stored_bytes, " stored bytes cannot be ", row.bytes);
    require(row.samples <= row.names_bytes && row.names_bytes <= kMostChunkBytes, "chunk ", i, ": ",
            row.names_bytes, " bytes cannot be the names of ", row.samples, " samples");
    end.first += row.samples;
    end.offset += row.stored_bytes;
    end.names_offset += row.names_bytes;
  }
  require(end.first == tables.records.elements() && end.offset == tables.data.bytes &&
              end.names_offset == tables.names.bytes,
          "the chunks have fewer samples, bytes or names than the shard");
}

}  // namespace

std::vector<int64_t> read_class_counts(const InputFile& file, const PlainArray& counts) {
  const std::vector<uint8_t> bytes = read_all(file, counts);
  std::vector<int64_t> result(counts.elements());
  std::memcpy(result.data(), bytes.data(), bytes.size());
  return result;
}

ShardTables read_tables(const InputFile& file, const ShardRoot& root, ShardInfo& info) {
  info.dataset.class_names = read_class_names(file, root, info.dataset.classes);
  ShardTables tables;
  tables.data = bytes_of(root, "data");
  tables.names = bytes_of(root, "names");
  tables.records = find_records(root);
  info.samples = static_cast<int64_t>(tables.records.elements());
  require(info.samples <= info.dataset.samples - info.first, "samples ", info.first, " and the ",
          info.samples - 1, " after it exceed the total of ", info.dataset.samples);
  tables.class_counts = read_counts(file, root, info);
  if (root.has("pixel_sums")) tables.sums = read_sums(file, root, info.dataset.shape[2]);
  root.with("chunks", [&](const hdf5::Object& dataset) {
    const PlainArray array = hdf5::read_plain_array(root.structures(), dataset);
    require_columns(array, kChunkColumns);
    require(array.elements() <= kMostChunksInShard, "expected at most ", kMostChunksInShard,
            " chunks, found ", array.elements());
    const std::vector<uint8_t> bytes = read_checked(file, root, dataset, array);
    tables.chunks.resize(array.elements());
    std::memcpy(tables.chunks.data(), bytes.data(), bytes.size());
    check_rows(tables.chunks, tables);
  });
  return tables;
}

std::string problem_of(std::span<const SampleRecord> records, const ChunkRow& chunk,
                       const DatasetInfo& info) {
  const uint64_t found = checksum(records.data(), records.size_bytes());
  if (!checksums_agree(chunk.records_checksum, found))
    return concat("expected checksum ", checksum_text(chunk.records_checksum),
                  " of their records, found ", checksum_text(found));
  uint64_t end = 0;
  for (size_t i = 0; i < records.size(); ++i) {
    const std::string problem = records[i].offset == end
                                    ? problem_of(records[i], info)
                                    : "it does not begin where the sample before it ends";
    if (!problem.empty()) return concat("sample ", chunk.first + i, ": ", problem);
    end += records[i].bytes;
  }
  if (end != chunk.bytes)
    return concat("expected ", chunk.bytes, " bytes in the chunk, found ", end);
  return "";
}

}  // namespace d2l::data
