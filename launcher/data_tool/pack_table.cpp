#include "launcher/data_tool/pack_table.h"

#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <system_error>
#include <utility>

#include "data/oddities.h"
#include "data/packing/pack_folder.h"
#include "data/shards/shard_set.h"
#include "data/table/csv.h"
#include "data/table/packed_table.h"
#include "framework/base/error.h"
#include "framework/base/files.h"
#include "framework/base/path_text.h"
#include "framework/base/text.h"
#include "launcher/data_tool/table_text.h"

namespace d2l::data_tool {

namespace po = boost::program_options;
namespace fs = std::filesystem;
using namespace d2l::data;

namespace {

constexpr size_t kShownMissing = 5;

std::vector<std::string> list_option(const OptionValues& values, const std::string& option) {
  if (values.count(option) == 0) return {};
  try {
    return CsvReader::split("--" + option, values[option].as<std::string>());
  } catch (const Error& error) {
    throw UsageError(error.what());
  }
}

// The rows of one CSV file, or of `from` and of `test_from`, before they are divided into splits.
struct TableSources {
  TableFit fit;
  EncodeResult train{}, test{};
};

TableSources read_sources(const TableRequest& request, const PackTableHooks& hooks) {
  TableSources sources{
      .fit = fit_table(request.from, request.fit_files, request.fit, hooks.check_stopped)};
  EncodeOptions options;
  options.check_stopped = hooks.check_stopped;
  sources.train = encode_rows(request.from, sources.fit.form, options);
  if (!request.test_from.empty())
    sources.test = encode_rows(request.test_from, sources.fit.form, options);
  return sources;
}

// The rows as items that select_items() divides.
SourceContent content_of(const TableSources& sources) {
  SourceContent content;
  const std::vector<std::string>& classes = sources.fit.form.target().classes;
  content.info.classes = std::max<int64_t>(static_cast<int64_t>(classes.size()), 1);
  content.info.class_names = classes;
  for (const Split split : {Split::train, Split::test}) {
    const EncodedRows& rows = (split == Split::train ? sources.train : sources.test).rows;
    for (int64_t row = 0; row < rows.rows(); ++row) {
      PackItem& item = content.items(split).emplace_back();
      item.id = row;
      if (!rows.labels.empty()) item.label = rows.labels[static_cast<size_t>(row)];
    }
  }
  return content;
}

// The rows of the items, in their order.
EncodedRows rows_of(const std::vector<PackItem>& items, const EncodedRows& all, size_t width) {
  EncodedRows rows;
  rows.file = all.file;
  rows.values.reserve(items.size() * width);
  for (const PackItem& item : items) {
    const auto row = static_cast<size_t>(item.id);
    const auto values = all.values.begin() + static_cast<ptrdiff_t>(row * width);
    rows.values.insert(rows.values.end(), values, values + static_cast<ptrdiff_t>(width));
    if (!all.labels.empty()) rows.labels.push_back(all.labels[row]);
    if (!all.targets.empty()) rows.targets.push_back(all.targets[row]);
    if (!all.ids.empty()) rows.ids.push_back(all.ids[row]);
    rows.lines.push_back(all.lines[row]);
  }
  return rows;
}

void warn_of_classes(const SourceContent& content, const Selection& selection,
                     const TableRequest& request, const PackTableHooks& hooks) {
  if (content.info.class_names.empty()) return;
  DatasetInfo info = content.info;
  info.name = request.name;
  for (const Split split : {Split::train, Split::test}) {
    const std::vector<PackItem>& items = selection.items(split);
    if (items.empty()) continue;
    std::vector<int64_t> counts(static_cast<size_t>(info.classes));
    for (const PackItem& item : items) ++counts[static_cast<size_t>(item.label)];
    for (const std::string& line : oddities(info, split, counts)) hooks.say("warning", line);
  }
}

// Writes the files of both splits; they get their names when both are complete. Returns them.
std::vector<fs::path> write_splits(const TableSources& sources, const Selection& selection,
                                   const TableRequest& request, const PackTableHooks& hooks) {
  const auto warn = [&](const std::string& line) { hooks.say("warning", line); };
  std::map<Split, std::unique_ptr<PackFolder>> folders;
  for (const Split split : {Split::train, Split::test}) {
    check(find_shards(request.out, split).empty(), request.out.string(), " already contains ",
          to_string(split), " shards; remove them or choose another folder");
    if (!selection.items(split).empty())
      folders[split] = std::make_unique<PackFolder>(request.out, split, warn);
  }
  const auto width = static_cast<size_t>(sources.fit.form.values());
  for (const auto& [split, folder] : folders) {
    hooks.check_stopped();
    const bool is_test_file = split == Split::test && !request.test_from.empty();
    const EncodedRows& rows = (is_test_file ? sources.test : sources.train).rows;
    write_table(folder->staging() / packed_table_name(split),
                {.name = request.name,
                 .source = request.source,
                 .licence = request.licence,
                 .split = split,
                 .form = sources.fit.form,
                 .rows = rows_of(selection.items(split), rows, width)});
  }
  hooks.check_stopped();
  std::vector<fs::path> files;
  for (const auto& [split, folder] : folders) folder->check_held();
  for (const auto& [split, folder] : folders) {
    files.push_back(request.out / packed_table_name(split));
    fs::rename(folder->staging() / packed_table_name(split), files.back());
  }
  sync_folder(request.out);
  return files;
}

// "missing values in 2,919 rows: PoolQC 2,909, Fence 2,348 and 30 more columns"
std::string missing_text(const TableFit& fit) {
  auto columns = fit.missing;
  columns.erase(std::remove_if(columns.begin(), columns.end(),
                               [](const auto& column) { return column.second == 0; }),
                columns.end());
  if (columns.empty()) return concat("no missing values in ", with_thousands(fit.rows), " rows");
  std::stable_sort(columns.begin(), columns.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  std::vector<std::string> words;
  for (size_t i = 0; i < std::min(columns.size(), kShownMissing); ++i)
    words.push_back(columns[i].first + " " + with_thousands(columns[i].second));
  const size_t more = columns.size() - words.size();
  return concat("missing values in ", with_thousands(fit.rows), " rows: ", join(words, ", "),
                more == 0 ? std::string() : concat(" and ", more, " more columns"));
}

void print_left_out(const EncodeResult& result, const fs::path& file) {
  if (result.left_out == 0) return;
  std::cout << with_thousands(result.left_out) << " of "
            << with_thousands(result.left_out + result.rows.rows()) << " rows of "
            << visible(file.string()) << " were left out: a number or the target is missing\n";
}

void print_report(const TableSources& sources, const Selection& selection,
                  const TableRequest& request, const std::vector<fs::path>& files) {
  size_t next = 0;
  for (const Split split : {Split::train, Split::test}) {
    const size_t rows = selection.items(split).size();
    if (rows == 0) continue;
    const fs::path& file = files[next++];
    std::cout << "packed " << with_thousands(static_cast<int64_t>(rows))
              << (rows == 1 ? " row of " : " rows of ") << visible(request.name) << " ("
              << to_string(split) << ") into " << file.string() << ", "
              << human_bytes(fs::file_size(file)) << "\n";
  }
  print_left_out(sources.train, request.from);
  print_left_out(sources.test, request.test_from);
  const TableFit& fit = sources.fit;
  std::cout << "columns: " << columns_text(fit.form) << "\n"
            << visible(missing_text(fit)) << "\n"
            << "target: " << visible(target_text(fit.form.target(), fit.class_counts)) << "\n";
  std::cout.flush();
  check(std::cout.good(), "cannot write to standard output");
}

void pack_alone(const TableRequest& request, const PackTableHooks& hooks) {
  const TableSources sources = read_sources(request, hooks);
  for (const std::vector<std::string>* notes :
       {&sources.fit.notes, &sources.train.notes, &sources.test.notes})
    for (const std::string& note : *notes) hooks.say("note", note);
  const SourceContent content = content_of(sources);
  const Selection selection = select_items(content, request.selection);
  warn_of_classes(content, selection, request, hooks);
  print_report(sources, selection, request, write_splits(sources, selection, request, hooks));
}

}  // namespace

OptionList table_options() {
  OptionList options = option_list("Options for tables");
  auto add = options.add_options();
  const auto text = [](const char* name) { return po::value<std::string>()->value_name(name); };
  add("target", text("COLUMN"),
      "--from is a table: a CSV file whose first line names the columns. This column is what a "
      "network learns to predict: numbers, or the names of classes");
  add("id", text("COLUMN"), "this column is no value; its text names a row in predictions");
  add("ignore", text("A,B,..."), "leave these columns out");
  add("categorical", text("A,B,..."),
      "these columns are categories, also if they contain numbers; for the target: classes");
  add("numeric", text("A,B,..."),
      "these columns are numbers, and a text in them is an error. By default, a column is a number "
      "if all its values are numbers or missing, otherwise a category");
  add("missing", text("WORDS"),
      "the words that stand for a missing value (default NA,N/A,NaN,nan,null,NULL). An empty field "
      "is always a missing value");
  add("impute", text("mean|median|zero|drop"),
      "what replaces missing numbers. drop: leave out rows with a missing number or without a "
      "target (default mean). Missing categories are a category of their own");
  add("standardize", text("on|off"),
      "on: subtract the mean from each number, and divide by the standard deviation (default on)");
  add("fit", text("FILE,..."),
      "find kinds, means, deviations and categories of the columns in all these files, which may "
      "lack the target (default: in --from)");
  return options;
}

void read_table_options(const OptionValues& values, TableRequest& request) {
  TableFitOptions& fit = request.fit;
  fit.target = values["target"].as<std::string>();
  fit.id_column = value_or(values, "id", std::string());
  fit.ignored = list_option(values, "ignore");
  fit.categorical = list_option(values, "categorical");
  fit.numeric = list_option(values, "numeric");
  if (values.count("missing") != 0) {
    fit.missing = list_option(values, "missing");
    fit.missing.erase(std::remove(fit.missing.begin(), fit.missing.end(), ""), fit.missing.end());
  }
  const std::map<std::string, Impute> kinds{{"mean", Impute::mean},
                                            {"median", Impute::median},
                                            {"zero", Impute::zero},
                                            {"drop", Impute::drop}};
  const std::string impute = value_or(values, "impute", std::string("mean"));
  check_word("impute", impute, {"mean", "median", "zero", "drop"});
  fit.impute = kinds.at(impute);
  const std::string standardize = value_or(values, "standardize", std::string("on"));
  check_word("standardize", standardize, {"on", "off"});
  fit.standardize = standardize == "on";
  for (const std::string& file : list_option(values, "fit"))
    request.fit_files.emplace_back(expand_home("--fit", file));
}

void pack_table(const PackTeam& team, const TableRequest& request, const PackTableHooks& hooks) {
  on_first(team, [&] {
    pack_alone(request, hooks);
    return std::string();
  });
}

}  // namespace d2l::data_tool
