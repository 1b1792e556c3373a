#include "framework/train/objectives/classification.h"

#include "framework/autograd/softmax.h"
#include "framework/tensor/create.h"
#include "framework/tensor/elementwise.h"
#include "framework/tensor/reduce.h"

namespace d2l {
namespace {

constexpr int64_t kFewestForTop5 = 20;  // classes

std::vector<Metric> metrics_of(int64_t classes) {
  std::vector<Metric> metrics = {{.name = "accuracy", .label = "acc", .sum = "correct"}};
  if (classes >= kFewestForTop5)
    metrics.push_back({.name = "top5", .label = "top-5 acc", .sum = "in_top5"});
  return metrics;
}

class Classification final : public Objective {
 public:
  Classification(Backend& backend, const ClassificationOptions& options)
      : Objective(metrics_of(options.classes)),
        options_(options),
        classes_(arange(backend, options.classes).reshape({1, options.classes})) {}

  Result operator()(const Variable& outputs, const Tensor& targets, Phase phase) const override {
    const double smoothing = phase == Phase::training ? options_.label_smoothing : 0;
    CrossEntropy found = cross_entropy(outputs, targets, smoothing);
    Result result{found.losses, {found.correct}};
    if (metrics().size() > 1) result.numbers.push_back(in_top5(outputs.value(), targets));
    return result;
  }
  DType target_type() const override { return DType::i64; }
  bool mixes_targets() const override { return true; }

 private:
  // 1 where fewer than five scores are larger than the label's.
  Tensor in_top5(const Tensor& outputs, const Tensor& labels) const {
    const Tensor scores = outputs.cast(DType::f32);
    const Shape column{labels.elements(), 1};
    const Tensor is_label = (classes_ == labels.cast(DType::f32).reshape(column)).cast(DType::f32);
    const Tensor of_label = sum(is_label * scores, {1}, KeepDims::yes);
    const Tensor larger = sum((scores > of_label).cast(DType::f32), {1});
    return compare(Compare::less, larger, 5).cast(DType::f32);
  }

  ClassificationOptions options_;
  Tensor classes_;  // f32 [1, classes]: 0, 1, ...
};

}  // namespace

std::unique_ptr<Objective> make_classification(Backend& backend,
                                               const ClassificationOptions& options) {
  return std::make_unique<Classification>(backend, options);
}

}  // namespace d2l
