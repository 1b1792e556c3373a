#include <cmath>
#include <string>
#include <string_view>

#include "data/table/csv.h"
#include "data/table/encode_rows.h"
#include "data/table/fit_table.h"
#include "tests/fuzz/memory_file.h"

namespace {

using namespace d2l::data;
using d2l::fuzz::require;

// Reads all records, in pieces of `piece` bytes. Returns the name of the last column.
std::string read_records(std::string_view text, size_t piece) {
  CsvReader reader("csv", [&](std::span<char> into) {
    const size_t count = text.copy(into.data(), std::min(into.size(), piece));
    text.remove_prefix(count);
    return count;
  });
  while (reader.next())
    require(reader.fields().size() == reader.header().size() && reader.line() > 0);
  return reader.header().back();
}

}  // namespace

// CSV files, and the forms that are found from them. The last column is the target.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  return d2l::fuzz::accepts_or_throws([&] {
    const std::string_view text(reinterpret_cast<const char*>(bytes), size);
    const std::string target = read_records(text, 1 + size % 64);
    const std::string& path = d2l::fuzz::memory_file(bytes, size);
    const Impute impute = size % 2 == 0 ? Impute::median : Impute::drop;
    const TableFit fit = fit_table(path, {}, {.target = target, .impute = impute});
    const std::string form = fit.form.text();
    require(TableForm::parse(form).text() == form);
    const EncodedRows rows = encode_rows(path, fit.form).rows;
    require(rows.values.size() == static_cast<size_t>(rows.rows() * fit.form.values()));
    for (const float value : rows.values) require(std::isfinite(value));
  });
}
