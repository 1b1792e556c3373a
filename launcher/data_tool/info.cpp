#include <algorithm>
#include <iostream>

#include "data/oddities.h"
#include "framework/base/error.h"
#include "framework/base/text.h"
#include "launcher/data_tool/commands.h"
#include "launcher/data_tool/facts.h"
#include "launcher/data_tool/table_text.h"

namespace d2l::data_tool {
namespace {

namespace fs = std::filesystem;
using namespace d2l::data;

constexpr const char* kUsage =
    "Usage: d2l-data info PATH...\n"
    "\n"
    "Prints what shards contain: dataset, split, samples, sizes, encodings, classes, mean and\n"
    "deviation. Reads no images. Of a packed table it prints rows, columns and target.\n"
    "PATH is a shard, a packed table, or their folder: then it prints each split.\n"
    "\n";

constexpr size_t kNameWidth = 16;
constexpr size_t kShownCategories = 5, kShownColumns = 200;

template <class... Parts>
void line(const std::string& name, const Parts&... parts) {
  std::cout << "  " << name << std::string(kNameWidth - name.size(), ' ')
            << visible(concat(parts...)) << "\n";
}

std::string sizes_text(const ShardFacts& facts, const DatasetInfo& set) {
  const std::string channels = concat(set.shape[2], set.shape[2] == 1 ? " channel" : " channels");
  if (set.has_one_size()) return concat(size_text(set.shape), ", ", channels);
  return concat("smallest ", size_text(facts.smallest), ", median ", size_text(facts.median),
                ", largest ", size_text(facts.largest), ", ", channels);
}

std::string encodings_text(const ShardFacts& facts) {
  if (facts.encodings.size() == 1) return to_string(facts.encodings.begin()->first);
  std::vector<std::string> words;
  for (const auto& [encoding, count] : facts.encodings)
    words.push_back(with_thousands(count) + " " + to_string(encoding));
  return join(words, ", ");
}

void print(const fs::path& path, const std::vector<ShardFile>& shards) {
  const ShardInfo& info = shards[0].info();
  const DatasetInfo& set = info.dataset;
  const ShardFacts facts(shards);
  std::cout << path.string() << "\n";
  line("dataset", set.name, ", ", to_string(info.split),
       info.shards == static_cast<int>(shards.size())
           ? concat(", ", info.shards, info.shards == 1 ? " shard" : " shards")
           : concat(", shard ", info.index + 1, " of ", info.shards));
  line("format", "version ", shards[0].version());
  line("samples", with_thousands(facts.samples),
       facts.samples == set.samples ? std::string()
                                    : concat(", numbers ", with_thousands(info.first), " to ",
                                             with_thousands(info.first + info.samples - 1), " of ",
                                             with_thousands(set.samples)));
  line("images", encodings_text(facts));
  line("size", sizes_text(facts, set));
  line("classes", set.classes, set.class_names.empty() ? "" : ": ", join(set.class_names, ", "));
  line("per class", counts_text(facts.class_counts));
  if (facts.sums) line("mean:deviation", normalize_text(*facts.sums));
  line("bytes", human_bytes(facts.image_bytes), ", stored as ", human_bytes(facts.stored_bytes),
       ", in ", shards.size() == 1 ? "a file" : "files", " of ", human_bytes(facts.file_bytes));
  line("compression", info.deflate == 0 ? "none" : concat("deflate ", info.deflate));
  if (!set.source.empty()) line("source", set.source);
  if (!set.licence.empty()) line("licence", set.licence);
}

// How a column becomes values.
std::string column_text(const TableColumn& column, bool drops_rows) {
  if (column.kind == TableColumn::Kind::category) {
    std::vector<std::string> some(
        column.categories.begin(),
        column.categories.begin() +
            static_cast<ptrdiff_t>(std::min(column.categories.size(), kShownCategories)));
    if (some.size() < column.categories.size()) some.emplace_back("...");
    return concat("category, ", column.categories.size(), some.empty() ? "" : ": ",
                  join(some, ", "));
  }
  std::string text = "number";
  if (column.mean != 0 || column.deviation != 1)
    text += concat(", mean ", column.mean, ", deviation ", column.deviation);
  return drops_rows ? text : concat(text, ", missing becomes ", column.replacement);
}

void print_table(const fs::path& path) {
  const PackedTable table = read_table(path);
  const EncodedRows& rows = table.rows;
  const TableForm& form = table.form;
  std::vector<int64_t> counts(form.target().classes.size());
  for (const int64_t label : rows.labels) ++counts[static_cast<size_t>(label)];
  std::cout << path.string() << "\n";
  line("dataset", table.name, ", ", to_string(table.split), ", table");
  line("rows", with_thousands(rows.rows()), ", of ", rows.file);
  line("columns", columns_text(form));
  line("target", target_text(form.target(), counts));
  if (!form.id_column().empty()) line("id", form.id_column());
  line("bytes", human_bytes(fs::file_size(path)));
  if (!table.source.empty()) line("source", table.source);
  if (!table.licence.empty()) line("licence", table.licence);
  const size_t shown = std::min(form.columns().size(), kShownColumns);
  for (size_t i = 0; i < shown; ++i) {
    const TableColumn& column = form.columns()[i];
    std::cout << "  column          "
              << visible(concat(column.name, ": ", column_text(column, form.parts().drops_rows)))
              << "\n";
  }
  if (shown < form.columns().size())
    line("...", with_thousands(static_cast<int64_t>(form.columns().size() - shown)),
         " more columns");
}

}  // namespace

void info(const Words& words) {
  OptionList options = option_list();
  options.add_options()("help,h", "show this help and exit");
  const OptionValues values = parse(options, words, "path");
  if (values.count("help") != 0) {
    print_help(kUsage, options);
    return;
  }
  for (const std::string& path : required_paths(values, "info")) {
    const std::vector<fs::path> tables = table_files(path);
    for (const fs::path& table : tables) print_table(table);
    if (!tables.empty()) continue;
    for (const std::vector<ShardFile>& set : open_sets(path)) print(path, set);
  }
}

}  // namespace d2l::data_tool
