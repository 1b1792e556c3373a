#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

#include "data/input_file.h"
#include "data/table/packed_table.h"
#include "framework/base/error.h"
#include "framework/hdf5_reader/attributes.h"
#include "framework/hdf5_reader/checked_array.h"

namespace d2l::data {
namespace {

using hdf5::in_place;
using hdf5::PlainArray;
using hdf5::require;
using Kind = hdf5::ElementType::Kind;

constexpr uint64_t kMostFormBytes = uint64_t{1} << 28;

enum class Element { byte, integer, real };

void require_element(const PlainArray& array, const hdf5::Object& dataset, Element element) {
  const hdf5::ElementType& type = array.type;
  if (element == Element::byte)
    return require(type.kind == Kind::integer && type.bytes == 1 && !type.is_signed,
                   "expected unsigned bytes");
  if (element == Element::integer)
    return require(type.kind == Kind::integer && type.bytes == 8 && type.is_signed,
                   "expected 64-bit integers");
  // Class, byte order, sign bit, size, offset, bits, exponent and fraction of a little-endian f32.
  constexpr std::string_view kFloat{"\x20\x1F\0\4\0\0\0\0\0\x20\0\x17\x08\0\x17\x7F\0\0\0", 19};
  const std::vector<uint8_t>& bytes = dataset.find(hdf5::MessageType::datatype)->bytes;
  require(bytes.size() > kFloat.size() && (bytes[0] & 15) == 1 &&
              std::equal(kFloat.begin(), kFloat.end(), bytes.begin() + 1,
                         [](char a, uint8_t b) { return static_cast<uint8_t>(a) == b; }),
          "expected little-endian 32-bit floats");
}

// The attributes and the HDF5 datasets of a packed table.
class TableRoot {
 public:
  explicit TableRoot(const InputFile& file)
      : file_(file),
        structures_(file),
        root_(structures_, structures_.root()),
        attributes_(structures_, root_),
        links_(hdf5::read_links(structures_, root_)) {}

  int64_t integer(const std::string& name) const { return attributes_.integer(name); }
  std::string text(const std::string& name) const { return attributes_.text(name); }

  bool has(const std::string& name) const { return find(name) != links_.end(); }

  // All elements of a dataset, after its checksum. `sizes`: 0 for any size.
  template <class Value>
  std::vector<Value> read(const std::string& name, Element element,
                          const std::vector<uint64_t>& sizes,
                          uint64_t most_bytes = UINT64_MAX) const {
    return in_place("dataset '" + name + "': ", [&] {
      const auto link = find(name);
      require(link != links_.end(), "it is missing");
      require(link->address.has_value(), "it is a link to another place or file");
      const hdf5::Object dataset(structures_, *link->address);
      const PlainArray array = hdf5::read_plain_array(structures_, dataset);
      require_element(array, dataset, element);
      require(array.sizes.size() == sizes.size(), "expected ", sizes.size(),
              sizes.size() == 1 ? " axis" : " axes", ", found ", array.sizes.size());
      for (size_t axis = 0; axis < sizes.size(); ++axis)
        require(sizes[axis] == 0 || array.sizes[axis] == sizes[axis], "expected ", sizes[axis],
                " elements along axis ", axis, ", found ", array.sizes[axis]);
      require(array.bytes <= most_bytes, "expected at most ", most_bytes, " bytes, found ",
              array.bytes);
      std::vector<Value> values(array.bytes / sizeof(Value));
      hdf5::read_checked(file_, structures_, {dataset, array},
                         {reinterpret_cast<uint8_t*>(values.data()), array.bytes});
      return values;
    });
  }

 private:
  std::vector<hdf5::Link>::const_iterator find(const std::string& name) const {
    return std::find_if(links_.begin(), links_.end(),
                        [&](const hdf5::Link& link) { return link.name == name; });
  }

  const InputFile& file_;
  hdf5::Structures structures_;
  hdf5::Object root_;
  hdf5::Attributes attributes_;
  std::vector<hdf5::Link> links_;
};

void require_finite(const std::string& name, const std::vector<float>& values) {
  require(std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); }),
          "dataset '", name, "': expected finite numbers");
}

std::vector<std::string> split_ids(const std::vector<uint8_t>& bytes, size_t rows) {
  std::vector<std::string> ids;
  for (auto at = bytes.begin(); at != bytes.end();) {
    const auto end = std::find(at, bytes.end(), 0);
    require(end != bytes.end() && ids.size() < rows, "dataset 'ids': expected ", rows,
            " texts with a zero byte after each");
    ids.emplace_back(at, end);
    at = end + 1;
  }
  require(ids.size() == rows, "dataset 'ids': expected ", rows, " texts, found ", ids.size());
  return ids;
}

EncodedRows read_rows_of(const TableRoot& root, const TableForm& form) {
  EncodedRows rows;
  rows.file = root.text("file");
  rows.lines = root.read<int64_t>("lines", Element::integer, {0});
  const size_t count = rows.lines.size();
  require(std::all_of(rows.lines.begin(), rows.lines.end(), [](int64_t line) { return line > 0; }),
          "dataset 'lines': expected numbers of lines, from 1");
  const auto width = static_cast<uint64_t>(form.values());
  rows.values = root.read<float>("values", Element::real, {count, width});
  require_finite("values", rows.values);
  if (form.target().is_category()) {
    rows.labels = root.read<int64_t>("labels", Element::integer, {count});
    const auto classes = static_cast<int64_t>(form.target().classes.size());
    for (const int64_t label : rows.labels)
      require(label >= 0 && label < classes, "dataset 'labels': expected labels in [0, ", classes,
              "), found ", label);
  } else {
    rows.targets = root.read<float>("targets", Element::real, {count});
    require_finite("targets", rows.targets);
  }
  if (!form.id_column().empty())
    rows.ids = split_ids(root.read<uint8_t>("ids", Element::byte, {0}), count);
  return rows;
}

PackedTable read_from(const InputFile& file) {
  const TableRoot root(file);
  const std::string format = root.text("format");
  require(format == "d2l-table", "expected format 'd2l-table', found '", format.substr(0, 40), "'");
  const int64_t version = root.integer("version");
  require(version == 1, "expected format version 1, found ", version);
  const std::vector<uint8_t> bytes = root.read<uint8_t>("form", Element::byte, {0}, kMostFormBytes);
  PackedTable table{.form = TableForm::parse({bytes.begin(), bytes.end()})};
  table.name = root.text("dataset");
  const std::string split = root.text("split");
  require(split == "train" || split == "test", "attribute 'split': expected train or test, found '",
          split.substr(0, 40), "'");
  table.split = split_from(split);
  table.source = root.text("source");
  table.licence = root.text("licence");
  table.rows = read_rows_of(root, table.form);
  return table;
}

}  // namespace

PackedTable read_table(const std::filesystem::path& path) {
  const InputFile file(path, std::make_shared<DescriptorPool>(1));
  try {
    return read_from(file);
  } catch (const Error& error) {
    const std::string what = error.what();
    fail(what.starts_with(path.string()) ? "" : path.string() + ": ", what);
  }
}

}  // namespace d2l::data
