#include "launcher/predict/prediction_report.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "data/packing/contact_sheet.h"
#include "framework/base/text.h"
#include "launcher/predict/class_scores.h"
#include "launcher/table.h"

namespace d2l::predict {
namespace {

constexpr int kDigits = 6;            // of probabilities
constexpr int64_t kMostInTable = 20;  // classes
constexpr size_t kMostConfusions = 10;
constexpr int64_t kTop5 = 5;
constexpr int64_t kSheetSide = 128;  // pixels

// (label, predicted class) -> number of images
using Confusions = std::map<std::pair<int64_t, int64_t>, int64_t>;

Confusions confusions_of(const Predictions& predictions) {
  Confusions confusions;
  for (int64_t i = 0; i < predictions.count(); ++i)
    ++confusions[{predictions.labels[static_cast<size_t>(i)], predictions.best(i)}];
  return confusions;
}

int64_t count_of(const Confusions& confusions, int64_t label, int64_t predicted) {
  const auto found = confusions.find({label, predicted});
  return found == confusions.end() ? 0 : found->second;
}

std::string matrix_text(const StoredNetwork& network, const Confusions& confusions) {
  std::vector<launcher::Row> rows(1, launcher::Row{"label"});
  for (int64_t label = 0; label < network.classes(); ++label) {
    rows[0].push_back(std::to_string(label));
    launcher::Row row = {numbered_class(network, label)};
    for (int64_t predicted = 0; predicted < network.classes(); ++predicted)
      row.push_back(std::to_string(count_of(confusions, label, predicted)));
    rows.push_back(std::move(row));
  }
  return "confusion matrix: a row for each label, a column for each predicted class\n" +
         launcher::table(rows);
}

std::string most_frequent_text(const StoredNetwork& network, const Confusions& confusions) {
  std::vector<std::pair<int64_t, std::pair<int64_t, int64_t>>> mistakes;  // -count first
  for (const auto& [pair, count] : confusions)
    if (pair.first != pair.second) mistakes.push_back({-count, pair});
  if (mistakes.empty()) return "";
  std::sort(mistakes.begin(), mistakes.end());
  if (mistakes.size() > kMostConfusions) mistakes.resize(kMostConfusions);
  std::vector<launcher::Row> rows = {{"label", "predicted class", "images"}};
  for (const auto& [count, pair] : mistakes)
    rows.push_back({visible(network.class_name(pair.first)),
                    visible(network.class_name(pair.second)), std::to_string(-count)});
  return "most frequent mistakes\n" + launcher::table(rows);
}

std::string accuracy_text(const char* name, int64_t correct, int64_t count) {
  return concat(name, " ", fixed(static_cast<double>(correct) / static_cast<double>(count), 3),
                " (", with_thousands(correct), " of ", with_thousands(count), ")");
}

bool is_mistake(const Predictions& predictions, int64_t image) {
  const int64_t label = predictions.labels[static_cast<size_t>(image)];
  return label != kNoLabel && label != predictions.best(image);
}

// Positions in the predictions, in the order of the sheet.
std::vector<int64_t> sheet_order(const Predictions& predictions, int64_t most) {
  std::vector<int64_t> order(static_cast<size_t>(predictions.count()));
  std::iota(order.begin(), order.end(), 0);
  const auto probability = [&](int64_t image) {
    return predictions.probability[static_cast<size_t>(image * predictions.top)];
  };
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    const bool wrong_a = is_mistake(predictions, a), wrong_b = is_mistake(predictions, b);
    if (wrong_a != wrong_b) return wrong_a;
    return wrong_a ? probability(a) > probability(b) : probability(a) < probability(b);
  });
  order.resize(std::min(order.size(), static_cast<size_t>(most)));
  return order;
}

}  // namespace

std::string Report::csv() const {
  if (only_class) return class_csv();
  const bool labelled = images.has_labels();
  std::string text = csv_field(images.key) + (labelled ? ",label" : "");
  for (int64_t i = 1; i <= predictions.top; ++i) text += concat(",class", i, ",probability", i);
  text += '\n';
  for (int64_t i = 0; i < predictions.count(); ++i) {
    const auto image = static_cast<size_t>(i);
    text += csv_field(images.name_of(predictions.images[image]));
    if (labelled) text += ',' + csv_field(network.class_name(predictions.labels[image]));
    for (int64_t k = i * predictions.top; k < (i + 1) * predictions.top; ++k)
      text += ',' + csv_field(network.class_name(predictions.classes[static_cast<size_t>(k)])) +
              ',' + fixed(predictions.probability[static_cast<size_t>(k)], kDigits);
    text += '\n';
  }
  return text;
}

std::string Report::class_csv() const {
  std::string text = concat(csv_field(images.key), ",", csv_field(images.target), "\n");
  for (int64_t i = 0; i < predictions.count(); ++i)
    text += concat(csv_field(images.name_of(predictions.images[static_cast<size_t>(i)])), ",",
                   csv_field(network.class_name(predictions.best(i))), "\n");
  return text;
}

std::string Report::confusion_csv() const {
  const Confusions confusions = confusions_of(predictions);
  std::string text = "label";
  for (int64_t i = 0; i < network.classes(); ++i) text += ',' + csv_field(network.class_name(i));
  text += '\n';
  for (int64_t label = 0; label < network.classes(); ++label) {
    text += csv_field(network.class_name(label));
    for (int64_t predicted = 0; predicted < network.classes(); ++predicted)
      text += ',' + std::to_string(count_of(confusions, label, predicted));
    text += '\n';
  }
  return text;
}

std::string Report::per_class_csv() const {
  return scores_csv(network, class_scores(predictions, network.classes()));
}

std::string Report::summary() const {
  const int64_t count = predictions.count();
  const auto damaged = static_cast<int64_t>(predictions.damaged.size());
  std::string text = concat(with_thousands(count), count == 1 ? " image" : " images");
  if (damaged > 0)
    text += concat(", ", with_thousands(damaged),
                   damaged == 1 ? " more is damaged" : " more are damaged");
  if (!images.has_labels() || count == 0) return text + "\n";
  text += ": " + accuracy_text("accuracy", count_correct(predictions, 1), count);
  if (network.classes() > kTop5)
    text += ", " + accuracy_text("top-5 accuracy", count_correct(predictions, kTop5), count);
  const std::vector<ClassScore> scores = class_scores(predictions, network.classes());
  text += "\n" + balanced_accuracy_text(scores) + "\n";
  if (network.classes() <= kMostInTable) text += scores_text(network, scores);
  const Confusions confusions = confusions_of(predictions);
  return text + (network.classes() <= kMostInTable ? matrix_text(network, confusions)
                                                   : most_frequent_text(network, confusions));
}

data::Image Report::sheet(int64_t most_images) const {
  const std::vector<int64_t> order = sheet_order(predictions, most_images);
  std::vector<data::SheetPicture> pictures(order.size());
  std::vector<int64_t> numbers;
  for (size_t i = 0; i < order.size(); ++i) {
    const auto image = static_cast<size_t>(order[i]);
    numbers.push_back(predictions.images[image]);
    const double probability =
        predictions.probability[image * static_cast<size_t>(predictions.top)];
    std::string& caption = pictures[i].caption;
    caption = concat(network.class_name(predictions.best(order[i])), " ",
                     fixed(100 * probability, 0), "%");
    if (is_mistake(predictions, order[i]))
      caption += concat(" (", network.class_name(predictions.labels[image]), ")");
  }
  images.dataset->visit(numbers, [&](size_t position, const data::Sample& sample) {
    pictures[position].image = data::image_of(sample, 3);
  });
  return data::contact_sheet(pictures, kSheetSide);
}

}  // namespace d2l::predict
