#include "data/shards/table_writer.h"

#include <algorithm>
#include <bit>

#include "framework/base/error.h"
#include "framework/hdf5/libhdf5.h"
#include "framework/hdf5/plain_dataset.h"

namespace d2l::data {

using libhdf5::close;
using libhdf5::create_dataset;
using libhdf5::Handle;
using libhdf5::require;
using libhdf5::write_checked;
using libhdf5::write_dataset;

namespace {

static_assert(std::endian::native == std::endian::little, "tables are little-endian");

template <size_t count>
Handle table_type(size_t row_bytes, const std::array<Column, count>& columns) {
  Handle type(H5Tcreate(H5T_COMPOUND, row_bytes), H5Tclose);
  size_t offset = 0;
  bool good = type.valid();
  for (const Column& column : columns) {
    const hid_t number = column.bytes == 8   ? H5T_STD_U64LE
                         : column.bytes == 4 ? H5T_STD_U32LE
                                             : H5T_STD_U16LE;
    good = good && H5Tinsert(type.id(), std::string(column.name).c_str(), offset, number) >= 0;
    offset += column.bytes;
  }
  require(good && offset == row_bytes, "cannot make the type of a table");
  return type;
}

void write_class_names(hid_t file, const std::vector<std::string>& names) {
  if (names.empty()) return;
  size_t length = 1;
  for (const std::string& name : names) length = std::max(length, name.size());
  std::string packed(length * names.size(), '\0');
  for (size_t i = 0; i < names.size(); ++i) names[i].copy(packed.data() + i * length, length);
  const Handle type = libhdf5::text_type(length);
  Handle dataset =
      write_checked(file, {"class_names", type.id(), {names.size()}}, packed.data(), packed.size());
  close(dataset, "class_names");
}

void write_class_counts(hid_t file, const ShardContents& contents) {
  std::vector<int64_t> counts(static_cast<size_t>(contents.info.dataset.classes));
  for (const SampleRecord& record : contents.records) ++counts[record.label];
  Handle dataset = write_checked(file, {"class_counts", H5T_STD_I64LE, {counts.size()}},
                                 counts.data(), counts.size() * sizeof(int64_t));
  close(dataset, "class_counts");
}

void write_sums(hid_t file, const PixelSums& sums) {
  std::vector<uint64_t> pairs;
  for (size_t channel = 0; channel < sums.values.size(); ++channel) {
    pairs.push_back(sums.values[channel]);
    pairs.push_back(sums.squares[channel]);
  }
  Handle dataset = write_checked(file, {"pixel_sums", H5T_STD_U64LE, {sums.values.size(), 2}},
                                 pairs.data(), pairs.size() * sizeof(uint64_t));
  libhdf5::write_integer(dataset.id(), "pixels", static_cast<int64_t>(sums.pixels));
  close(dataset, "pixel_sums");
}

void write_attributes(hid_t file, const ShardInfo& info) {
  libhdf5::write_text(file, "format", "d2l-shard");
  libhdf5::write_integer(file, "version", 2);
  libhdf5::write_text(file, "dataset", info.dataset.name);
  libhdf5::write_text(file, "split", to_string(info.split));
  libhdf5::write_text(file, "source", info.dataset.source);
  libhdf5::write_text(file, "licence", info.dataset.licence);
  libhdf5::write_integer(file, "classes", info.dataset.classes);
  libhdf5::write_integer(file, "height", info.dataset.shape[0]);
  libhdf5::write_integer(file, "width", info.dataset.shape[1]);
  libhdf5::write_integer(file, "channels", info.dataset.shape[2]);
  libhdf5::write_integer(file, "deflate", info.deflate);
  libhdf5::write_integer(file, "shard", info.index);
  libhdf5::write_integer(file, "shards", info.shards);
  libhdf5::write_integer(file, "first_sample", info.first);
  libhdf5::write_integer(file, "total_samples", info.dataset.samples);
}

void write_tables(hid_t file, const ShardContents& contents) {
  const Handle row = table_type(sizeof(ChunkRow), kChunkColumns);
  Handle chunks = write_checked(file, {"chunks", row.id(), {contents.chunks.size()}},
                                contents.chunks.data(), contents.chunks.size() * sizeof(ChunkRow));
  close(chunks, "chunks");
  // `chunks` has the checksums of records and names.
  const Handle record = table_type(sizeof(SampleRecord), kRecordColumns);
  Handle records = write_dataset(file, {"records", record.id(), {contents.records.size()}},
                                 contents.records.data());
  close(records, "records");
  Handle names =
      write_dataset(file, {"names", H5T_STD_U8LE, {contents.names.size()}}, contents.names.data());
  close(names, "names");
}

}  // namespace

uint64_t write_contents(const std::filesystem::path& path, const ShardContents& contents) {
  const libhdf5::Quiet quiet;
  Handle file = libhdf5::create_file(path);
  write_attributes(file.id(), contents.info);
  write_class_names(file.id(), contents.info.dataset.class_names);
  write_class_counts(file.id(), contents);
  if (contents.sums) write_sums(file.id(), *contents.sums);
  write_tables(file.id(), contents);
  const ChunkRow& last = contents.chunks.back();
  Handle data =
      create_dataset(file.id(), {"data", H5T_STD_U8LE, {last.offset + last.stored_bytes}});
  const haddr_t address = H5Dget_offset(data.id());
  require(address != HADDR_UNDEF, "cannot find the place of dataset 'data'");
  close(data, "data");
  require(H5Fflush(file.id(), H5F_SCOPE_GLOBAL) >= 0 && file.close(), "cannot finish the file");
  return address;
}

}  // namespace d2l::data
