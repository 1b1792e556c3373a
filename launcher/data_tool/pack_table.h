#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "data/packing/selection.h"
#include "data/packing/team.h"
#include "data/table/fit_table.h"
#include "launcher/data_tool/arguments.h"

namespace d2l::data_tool {

// A CSV file to pack.
struct TableRequest {
  std::filesystem::path from, test_from, out;  // test_from: empty if there is none
  std::vector<std::filesystem::path> fit_files;
  data::TableFitOptions fit;
  data::SelectionOptions selection;
  std::string name, source, licence;
};

// The options of `pack` that are for tables only.
OptionList table_options();

// Adds the options for tables to a request that has the others. Throws UsageError.
void read_table_options(const OptionValues& values, TableRequest& request);

struct PackTableHooks {
  std::function<void(const std::string& kind, const std::string& text)> say;  // a note or a warning
  std::function<void()> check_stopped;                                        // throws to end
};

// Packs the table and prints a report. All processes of the team call it; the first one does the
// work. Errors leave no files.
void pack_table(const data::PackTeam& team, const TableRequest& request,
                const PackTableHooks& hooks);

}  // namespace d2l::data_tool
