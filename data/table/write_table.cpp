#include <algorithm>
#include <bit>

#include "data/table/packed_table.h"
#include "framework/base/error.h"
#include "framework/base/files.h"
#include "framework/hdf5/plain_dataset.h"

namespace d2l::data {
namespace {

using libhdf5::Handle;

static_assert(std::endian::native == std::endian::little, "packed tables are little-endian");

constexpr size_t kMostTextBytes = size_t{1} << 16;  // of an attribute, for the reader

template <class Value>
void write_array(hid_t file, const libhdf5::PlainDataset& plain, const std::vector<Value>& values) {
  Handle dataset =
      libhdf5::write_checked(file, plain, values.data(), values.size() * sizeof(Value));
  libhdf5::close(dataset, plain.name);
}

void write_contents(hid_t file, const PackedTable& table) {
  libhdf5::write_text(file, "format", "d2l-table");
  libhdf5::write_integer(file, "version", 1);
  libhdf5::write_text(file, "dataset", table.name);
  libhdf5::write_text(file, "split", to_string(table.split));
  libhdf5::write_text(file, "source", table.source);
  libhdf5::write_text(file, "licence", table.licence);
  libhdf5::write_text(file, "file", table.rows.file);
  const std::string form = table.form.text();
  const EncodedRows& rows = table.rows;
  const auto count = static_cast<hsize_t>(rows.rows());
  const auto width = static_cast<hsize_t>(table.form.values());
  write_array(file, {"form", H5T_STD_U8LE, {form.size()}},
              std::vector<uint8_t>(form.begin(), form.end()));
  write_array(file, {"values", H5T_IEEE_F32LE, {count, width}}, rows.values);
  if (table.form.target().is_category())
    write_array(file, {"labels", H5T_STD_I64LE, {count}}, rows.labels);
  else
    write_array(file, {"targets", H5T_IEEE_F32LE, {count}}, rows.targets);
  write_array(file, {"lines", H5T_STD_I64LE, {count}}, rows.lines);
  if (table.form.id_column().empty()) return;
  std::vector<uint8_t> ids;
  for (const std::string& id : rows.ids) {
    ids.insert(ids.end(), id.begin(), id.end());
    ids.push_back(0);
  }
  write_array(file, {"ids", H5T_STD_U8LE, {ids.size()}}, ids);
}

void check_sizes(const PackedTable& table) {
  const EncodedRows& rows = table.rows;
  const size_t count = rows.lines.size();
  const bool has_classes = table.form.target().is_category();
  check(count > 0, "expected at least one row");
  check(rows.values.size() == count * static_cast<size_t>(table.form.values()) &&
            rows.labels.size() == (has_classes ? count : 0) &&
            rows.targets.size() == (has_classes ? 0 : count) &&
            rows.ids.size() == (table.form.id_column().empty() ? 0 : count),
        "expected values, targets and ids of ", count, " rows");
  for (const std::string* text : {&table.name, &table.source, &table.licence, &rows.file})
    check(text->size() < kMostTextBytes, "expected a name, a source and a licence below ",
          kMostTextBytes, " bytes, found ", text->size());
}

}  // namespace

void write_table(const std::filesystem::path& path, const PackedTable& table) {
  std::filesystem::path written;
  try {
    check_sizes(table);
    replace_file(
        path,
        [&](const std::filesystem::path& temporary) {
          const libhdf5::Quiet quiet;
          Handle file = libhdf5::create_file(temporary);
          write_contents(file.id(), table);
          libhdf5::require(H5Fflush(file.id(), H5F_SCOPE_GLOBAL) >= 0 && file.close(),
                           "cannot finish the file");
          written = temporary;
        },
        [&] { read_table(written); });
  } catch (const NoRoomError&) {
    throw;
  } catch (const Error& error) {
    const std::string what = error.what();
    fail(what.find(path.string()) == std::string::npos ? "cannot write " + path.string() + ": "
                                                       : std::string(),
         what);
  }
}

}  // namespace d2l::data
