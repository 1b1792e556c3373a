#pragma once

#include <string>

#include "data/formats/image.h"
#include "launcher/predict/predictions.h"
#include "launcher/predict/preparation.h"
#include "launcher/predict/sample_set.h"

namespace d2l::predict {

// What is reported about predictions.
struct Report {
  const StoredNetwork& network;
  const SampleSet& images;
  const Predictions& predictions;
  bool only_class = false;  // csv() has only the key and the most probable class: "Id,Survived"

  // "image,label,class1,probability1,...", without "label" if labels are not known. Fields are
  // quoted as RFC 4180 says, lines end with \n.
  std::string csv() const;
  // The confusion matrix: a row for each label, a column for each predicted class.
  std::string confusion_csv() const;
  // A row for each class, see class_scores.h.
  std::string per_class_csv() const;
  // Lines: the number of images and, if labels are known, the accuracy, the results of each class
  // and the confusions.
  std::string summary() const;
  // A picture with mistakes first, the most certain ones first, and then the least certain images.
  data::Image sheet(int64_t most_images) const;

 private:
  std::string class_csv() const;
};

}  // namespace d2l::predict
