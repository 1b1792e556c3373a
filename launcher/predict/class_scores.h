#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "launcher/predict/predictions.h"
#include "launcher/stored_network.h"

namespace d2l::predict {

// How well a network recognises one class (chapter 4). A measure is undefined if it would divide by
// the number of images, or of predictions, of a class without any.
struct ClassScore {
  int64_t images = 0;     // with this label
  int64_t predicted = 0;  // for which this class is the most probable one
  int64_t correct = 0;    // both

  std::optional<double> precision() const;  // correct / predicted
  std::optional<double> recall() const;     // correct / images
  // The harmonic mean of precision and recall; 0 if both are 0.
  std::optional<double> f1() const;
};

// Of each class. The labels of all images must be known.
std::vector<ClassScore> class_scores(const Predictions& predictions, int64_t classes);

// "balanced accuracy 0.781 (mean recall of the 2 classes)": the unweighted mean over the classes
// that have images; at least one must have some.
std::string balanced_accuracy_text(const std::vector<ClassScore>& scores);

// A class in tables for the terminal: "3 dress", or "3" if the classes have no names.
std::string numbered_class(const launcher::StoredNetwork& network, int64_t label);

// A table for the terminal: a line for each class.
std::string scores_text(const launcher::StoredNetwork& network,
                        const std::vector<ClassScore>& scores);

// The same as CSV: "class,images,predicted,precision,recall,f1".
std::string scores_csv(const launcher::StoredNetwork& network,
                       const std::vector<ClassScore>& scores);

}  // namespace d2l::predict
