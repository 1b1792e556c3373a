#include "data/table/table_dataset.h"

#include <system_error>
#include <utility>

#include "framework/base/checksum.h"
#include "framework/base/error.h"

namespace d2l::data {
namespace {

DatasetInfo info_of(const PackedTable& table) {
  DatasetInfo info;
  info.name = table.name;
  info.samples = table.rows.rows();
  info.shape = {table.form.values()};
  info.classes = static_cast<int64_t>(table.form.target().classes.size());
  info.class_names = table.form.target().classes;
  info.source = table.source;
  info.licence = table.licence;
  info.table = table.form.text();
  return info;
}

}  // namespace

TableDataset::TableDataset(PackedTable table, const std::filesystem::path& file)
    : Dataset(info_of(table)), rows_(std::move(table.rows)), file_(file.filename().string()) {}

std::string TableDataset::place_of(int64_t index) const {
  const std::string line = concat(rows_.file, ", line ", rows_.lines[static_cast<size_t>(index)]);
  return file_.empty() ? line : concat(file_, ", sample ", index, " (", line, ")");
}

std::string TableDataset::name_of(int64_t index) const {
  return rows_.ids.empty() ? std::string() : rows_.ids[static_cast<size_t>(index)];
}

uint64_t TableDataset::memory_bound() const {
  uint64_t bytes = rows_.values.size() * sizeof(float) + rows_.labels.size() * sizeof(int64_t) +
                   rows_.targets.size() * sizeof(float) + rows_.lines.size() * sizeof(int64_t);
  for (const std::string& id : rows_.ids) bytes += sizeof(std::string) + id.capacity();
  return bytes;
}

void TableDataset::visit_samples(std::span<const int64_t> indices, const Visitor& visitor) const {
  const size_t width = static_cast<size_t>(shape()[0]);
  for (size_t i = 0; i < indices.size(); ++i) {
    const float* values = rows_.values.data() + static_cast<size_t>(indices[i]) * width;
    visitor(i, {.encoding = Encoding::values,
                .bytes = {reinterpret_cast<const uint8_t*>(values), width * sizeof(float)},
                .shape = shape(),
                .label = label_of(indices[i]),
                .target = target_of(indices[i])});
  }
}

int64_t TableDataset::label_of(int64_t index) const {
  return rows_.labels.empty() ? 0 : rows_.labels[static_cast<size_t>(index)];
}

float TableDataset::target_of(int64_t index) const {
  return rows_.targets.empty() ? 0 : rows_.targets[static_cast<size_t>(index)];
}

uint64_t TableDataset::content_checksum() const {
  const uint64_t parts[] = {
      checksum(rows_.values.data(), rows_.values.size() * sizeof(float)),
      checksum(rows_.labels.data(), rows_.labels.size() * sizeof(int64_t)),
      checksum(rows_.targets.data(), rows_.targets.size() * sizeof(float)),
      checksum(info().table.data(), info().table.size()),
  };
  return checksum(parts, sizeof parts);
}

std::string packed_table_name(Split split) { return to_string(split) + "-table.h5"; }

std::unique_ptr<Dataset> find_table(const std::filesystem::path& folder, Split split) {
  const std::filesystem::path path = folder / packed_table_name(split);
  std::error_code ignored;
  if (!std::filesystem::exists(std::filesystem::symlink_status(path, ignored))) return nullptr;
  PackedTable table = read_table(path);
  check(table.split == split, path.string(), ": expected the split ", to_string(split),
        ", found a table of split ", to_string(table.split));
  return std::make_unique<TableDataset>(std::move(table), path);
}

TableRows read_rows(const std::filesystem::path& csv, const TableForm& form) {
  EncodeResult result = encode_rows(csv, form, {.for_predictions = true});
  TableRows rows;
  rows.has_targets = result.has_targets;
  rows.notes = std::move(result.notes);
  PackedTable table{.name = csv.stem().string(), .form = form, .rows = std::move(result.rows)};
  rows.dataset = std::make_unique<TableDataset>(std::move(table));
  return rows;
}

}  // namespace d2l::data
