#pragma once

#include <string>
#include <vector>

#include "data/table/csv.h"
#include "tests/data/data_support.h"

namespace d2l::data::test {

// Gives a text in pieces of `piece` bytes.
inline CsvReader::Source text_source(std::string text, size_t piece = 1 << 20) {
  return [text = std::move(text), piece, at = size_t{0}](std::span<char> into) mutable {
    const size_t count = text.copy(into.data(), std::min(into.size(), piece), at);
    at += count;
    return count;
  };
}

using Records = std::vector<std::vector<std::string>>;

// All records of a text with the name "t.csv", with the header first.
inline Records records_of(const std::string& text, size_t piece = 1 << 20) {
  CsvReader reader("t.csv", text_source(text, piece));
  Records records{reader.header()};
  while (reader.next()) records.push_back(reader.fields());
  return records;
}

inline void write_text(const std::filesystem::path& path, const std::string& text) {
  write_bytes(path, {text.begin(), text.end()});
}

}  // namespace d2l::data::test
