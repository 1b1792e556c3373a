#include "data/oddities.h"

#include <algorithm>

#include "framework/base/error.h"
#include "framework/base/text.h"

namespace d2l::data {
namespace {

using Counts = std::vector<int64_t>;
using Lines = std::vector<std::string>;

constexpr size_t kMostNamed = 8, kMostCounted = 32;

// "2, 5 and 7 more"
std::string some(const Lines& words, size_t most) {
  const Lines first(words.begin(),
                    words.begin() + static_cast<ptrdiff_t>(std::min(most, words.size())));
  return join(first, ", ") +
         (words.size() > most ? concat(" and ", words.size() - most, " more") : "");
}

std::string labels_text(const DatasetInfo& info, const Counts& labels) {
  Lines words;
  for (const int64_t label : labels)
    words.push_back(info.class_names.empty()
                        ? std::to_string(label)
                        : concat(label, " (", info.class_names[static_cast<size_t>(label)], ")"));
  return some(words, kMostNamed);
}

Counts empty_classes(const Counts& counts) {
  Counts empty;
  for (size_t label = 0; label < counts.size(); ++label)
    if (counts[label] == 0) empty.push_back(static_cast<int64_t>(label));
  return empty;
}

Lines remarks(const Dataset& dataset, Split split) {
  Lines lines;
  for (const std::string& remark : dataset.info().remarks)
    lines.push_back(concat(dataset.name(), ", ", to_string(split), ": ", remark));
  return lines;
}

void add_empty(Lines& lines, const DatasetInfo& info, Split split, const Counts& counts,
               const Counts& empty) {
  if (empty.empty()) return;
  const bool from_one = empty == Counts{0} && info.class_names.empty();
  lines.push_back(concat(info.name, ", ", to_string(split), ": no samples of ", empty.size(),
                         " of ", counts.size(), " classes: ", labels_text(info, empty),
                         from_one ? " (do the labels count from 1?)" : "",
                         "; samples per class: ", counts_text(counts)));
}

}  // namespace

Lines oddities(const Dataset& dataset, Split split, int64_t samples) {
  Lines lines = remarks(dataset, split);
  const Counts counts = dataset.class_counts(samples);
  add_empty(lines, dataset.info(), split, counts, empty_classes(counts));
  return lines;
}

Lines oddities(const DatasetInfo& info, Split split, const Counts& counts) {
  Lines lines;
  add_empty(lines, info, split, counts, empty_classes(counts));
  return lines;
}

Lines oddities(const Dataset& train, const Dataset& test) {
  Lines lines = oddities(train, Split::train, train.samples());
  const Lines of_test = remarks(test, Split::test);
  lines.insert(lines.end(), of_test.begin(), of_test.end());
  const Counts trained = train.class_counts(train.samples());
  const Counts tested = test.class_counts(test.samples());
  // Classes that neither split has were reported above.
  Counts only_trained, only_tested;
  int64_t unknown = 0;
  for (size_t label = 0; label < std::min(trained.size(), tested.size()); ++label) {
    if (trained[label] > 0 && tested[label] == 0)
      only_trained.push_back(static_cast<int64_t>(label));
    if (trained[label] > 0 || tested[label] == 0) continue;
    only_tested.push_back(static_cast<int64_t>(label));
    unknown += tested[label];
  }
  add_empty(lines, test.info(), Split::test, tested, only_trained);
  if (unknown > 0)
    lines.push_back(concat(test.name(), ", test: ", with_thousands(unknown),
                           " samples are of classes without training samples: ",
                           labels_text(test.info(), only_tested)));
  return lines;
}

std::string counts_text(const Counts& counts) {
  Lines words;
  for (const int64_t count : counts) words.push_back(std::to_string(count));
  return some(words, kMostCounted);
}

}  // namespace d2l::data
