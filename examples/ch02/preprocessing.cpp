// Chapter 2.2: a CSV file with missing values becomes a tensor.
//     build/release/examples/ch02/preprocessing [FOLDER [SEED]]

#include <d2l.h>

#include "examples/support/arguments.h"
#include "framework/base/files.h"

using namespace d2l;

int main(int argc, char** argv) {
  const examples::Arguments arguments(argc, argv);
  const std::filesystem::path csv = arguments.file("house_tiny.csv");
  write_text_file(csv,
                  "NumRooms,Alley,Price\n"
                  "NA,Pave,127500\n"
                  "2,NA,106000\n"
                  "4,NA,178100\n"
                  "NA,NA,140000\n");

  // Missing numbers become the mean; each category gets a column, and so does a missing one.
  const data::TableFit fit = data::fit_table(csv, {}, {.target = "Price", .standardize = false});
  const data::EncodedRows rows = data::encode_rows(csv, fit.form).rows;
  print("inputs:", tensor(rows.values).reshape({rows.rows(), -1}));
  print("targets:", tensor(rows.targets));

  const data::TableFit strict = data::fit_table(
      csv, {}, {.target = "Price", .impute = data::Impute::drop, .standardize = false});
  print("rows without missing numbers:", data::encode_rows(csv, strict.form).rows.rows());
}
