#include "launcher/predict/table_rows.h"

#include <filesystem>
#include <numeric>
#include <utility>

#include "data/table/table_dataset.h"
#include "data/table/table_form.h"
#include "framework/base/text.h"
#include "launcher/options/usage.h"

namespace d2l::predict {
namespace {

namespace fs = std::filesystem;
using data::Split;
using data::TableForm;

SampleSet open_file(const std::string& path, const TableForm& form) {
  data::TableRows rows = data::read_rows(path, form);
  SampleSet set;
  set.has_targets = rows.has_targets;
  set.notes = std::move(rows.notes);
  set.dataset = std::move(rows.dataset);
  set.what = concat(with_thousands(set.dataset->samples()), " rows of ", path);
  return set;
}

SampleSet open_folder(const std::string& folder, Split split, const StoredNetwork& network) {
  SampleSet set;
  set.dataset = data::find_table(folder, split);
  check(set.dataset != nullptr, folder, ": expected a table (", to_string(split),
        ") that d2l-data pack has written, found none; --split names another split");
  check(set.dataset->info().table == network.data.table, folder,
        ": expected a table in the form of the training data, found values of other columns");
  set.has_targets = true;
  set.what = concat(with_thousands(set.dataset->samples()), " rows of ", set.dataset->name(), " (",
                    to_string(split), ")");
  return set;
}

}  // namespace

SampleSet find_rows(const PredictOptions& options, const StoredNetwork& network) {
  if (options.images.size() != 1)
    launcher::usage("expected one CSV file or one folder of a packed table, found ",
                    options.images.size());
  if (!options.sheet.empty())
    launcher::usage("--sheet has no effect: the network reads rows of a table");
  const TableForm form = network.table_form();
  const std::string& path = options.images[0];
  std::error_code ignored;
  const bool is_folder = fs::is_directory(path, ignored);
  if (!is_folder && options.split)
    launcher::usage("--split has no effect with a file, only with a folder");
  SampleSet set = is_folder ? open_folder(path, options.split.value_or(Split::test), network)
                            : open_file(path, form);
  set.key = form.id_column().empty() ? "row" : form.id_column();
  set.target = form.target().name;
  if (set.has_targets && network.data.has_labels()) {
    set.labels.resize(static_cast<size_t>(network.classes()));
    std::iota(set.labels.begin(), set.labels.end(), 0);
  }
  return set;
}

}  // namespace d2l::predict
