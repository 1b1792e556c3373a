#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/table/packed_table.h"

namespace d2l::data {

// The rows of a table, in memory. Samples have Encoding::values and the shape {values of a row}.
class TableDataset final : public Dataset {
 public:
  // `file`: the packed table, for messages; empty if the rows come from a CSV file directly.
  explicit TableDataset(PackedTable table, const std::filesystem::path& file = {});

  // "train-table.h5, sample 16 (train.csv, line 18)"
  std::string place_of(int64_t index) const override;
  // The text of the id column; empty if there is none.
  std::string name_of(int64_t index) const override;
  uint64_t memory_bound() const override;

 private:
  void visit_samples(std::span<const int64_t> indices, const Visitor& visitor) const override;
  int64_t label_of(int64_t index) const override;
  float target_of(int64_t index) const override;
  uint64_t content_checksum() const override;

  EncodedRows rows_;
  std::string file_;
};

// The packed table of a folder. nullptr if it has none of this split. Throws what read_table()
// throws, and Error if the file is of the other split.
std::unique_ptr<Dataset> find_table(const std::filesystem::path& folder, Split split);

struct TableRows {
  std::unique_ptr<Dataset> dataset;  // labels and targets of rows without one are 0
  bool has_targets = false;          // all rows have one
  std::vector<std::string> notes;    // what a user should know, one line each
};

// The rows of a CSV file in the form of the training data, for predictions: all rows, in their
// order. Missing numbers are replaced as in the training data. Throws what encode_rows() throws.
TableRows read_rows(const std::filesystem::path& csv, const TableForm& form);

}  // namespace d2l::data
