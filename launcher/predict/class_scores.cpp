#include "launcher/predict/class_scores.h"

#include "framework/base/error.h"
#include "framework/base/text.h"
#include "launcher/table.h"

namespace d2l::predict {
namespace {

std::optional<double> ratio(int64_t part, int64_t whole) {
  if (whole == 0) return std::nullopt;
  return static_cast<double>(part) / static_cast<double>(whole);
}

std::string text_of(const std::optional<double>& measure, int digits) {
  return measure ? fixed(*measure, digits) : "undefined";
}

}  // namespace

std::optional<double> ClassScore::precision() const { return ratio(correct, predicted); }

std::optional<double> ClassScore::recall() const { return ratio(correct, images); }

std::optional<double> ClassScore::f1() const {
  if (images == 0 || predicted == 0) return std::nullopt;
  return ratio(2 * correct, images + predicted);
}

std::vector<ClassScore> class_scores(const Predictions& predictions, int64_t classes) {
  std::vector<ClassScore> scores(static_cast<size_t>(classes));
  for (int64_t i = 0; i < predictions.count(); ++i) {
    const int64_t label = predictions.labels[static_cast<size_t>(i)], best = predictions.best(i);
    ++scores[static_cast<size_t>(label)].images;
    ++scores[static_cast<size_t>(best)].predicted;
    if (label == best) ++scores[static_cast<size_t>(label)].correct;
  }
  return scores;
}

std::string balanced_accuracy_text(const std::vector<ClassScore>& scores) {
  double sum = 0;
  size_t counted = 0;
  for (const ClassScore& score : scores) {
    sum += score.recall().value_or(0);
    counted += score.images > 0 ? 1 : 0;
  }
  check(counted > 0, "balanced accuracy: expected images, found none");
  const std::string of = counted == scores.size() ? concat("the ", counted, " classes")
                                                  : concat("the ", counted, " of ", scores.size(),
                                                           " classes that have images");
  return concat("balanced accuracy ", fixed(sum / static_cast<double>(counted), 3),
                " (mean recall of ", of, ")");
}

std::string numbered_class(const launcher::StoredNetwork& network, int64_t label) {
  const std::string number = std::to_string(label), name = network.class_name(label);
  return name == number ? number : number + " " + visible(name);
}

std::string scores_text(const launcher::StoredNetwork& network,
                        const std::vector<ClassScore>& scores) {
  constexpr int kDigits = 3;
  std::vector<launcher::Row> rows = {{"class", "images", "predicted", "precision", "recall", "F1"}};
  for (size_t i = 0; i < scores.size(); ++i) {
    const ClassScore& score = scores[i];
    rows.push_back({numbered_class(network, static_cast<int64_t>(i)), with_thousands(score.images),
                    with_thousands(score.predicted), text_of(score.precision(), kDigits),
                    text_of(score.recall(), kDigits), text_of(score.f1(), kDigits)});
  }
  return launcher::table(rows);
}

std::string scores_csv(const launcher::StoredNetwork& network,
                       const std::vector<ClassScore>& scores) {
  constexpr int kDigits = 6;
  std::string text = "class,images,predicted,precision,recall,f1\n";
  for (size_t i = 0; i < scores.size(); ++i) {
    const ClassScore& score = scores[i];
    text += concat(csv_field(network.class_name(static_cast<int64_t>(i))), ",", score.images, ",",
                   score.predicted, ",", text_of(score.precision(), kDigits), ",",
                   text_of(score.recall(), kDigits), ",", text_of(score.f1(), kDigits), "\n");
  }
  return text;
}

}  // namespace d2l::predict
