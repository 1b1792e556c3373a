#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data/packing/source.h"

namespace d2l::data {

// A line of a list of images.
struct ListLine {
  std::string path, label;
  int64_t number = 0;  // from 1
};

// Parses a list of images with labels. The first line decides the form:
//   with a comma, or a quote at its beginning: CSV (RFC 4180). Two columns, path and label; or any
//     columns with a header that names them: path, file, filename or image; label, class, category
//     or target
//   with a tab: path, tab, label
//   otherwise: the label is the last word of a line, the path is what comes before it.
// Empty lines are skipped. Messages of Error begin with `name` and the number of the line.
std::vector<ListLine> parse_list(std::string_view text, const std::string& name);

// One list per split; `test` may be empty. Labels are classes' names, or numbers from 0 if all of
// them are numbers. Items have the paths of the lines and their numbers as ids. Throws Error that
// names the line: label out of range, class without training images, path that occurs twice.
struct Lists {
  std::vector<ListLine> train, test;
  std::string train_name, test_name;  // for messages
};
SourceContent content_of_lists(const Lists& lists);

}  // namespace d2l::data
