#include "framework/train/evaluate.h"

#include "framework/autograd/softmax.h"
#include "framework/tensor/reduce.h"

namespace d2l {

namespace {

double total(const Tensor& values) {
  return values.elements() > 0 ? sum(values).item<double>() : 0;
}

}  // namespace

Evaluation evaluate(const EvaluationParts& parts) {
  NoGrad no_grad;
  parts.data.seek(0, 0);
  double sums[2] = {0, 0};
  for (int64_t i = 0; i < parts.data.steps_per_epoch(); ++i) {
    for (const Batch& batch : parts.data.next().split(parts.pieces)) {
      if (batch.labels.elements() == 0) continue;
      Variable inputs(batch.inputs_on(parts.backend, parts.activations));
      Variable logits = parts.model(inputs, {});
      CrossEntropy loss = cross_entropy(logits, batch.labels.sent_to(parts.backend));
      sums[0] += total(loss.losses.value());
      sums[1] += total(loss.correct);
    }
  }
  parts.comm.all_reduce({sums, DType::f64, Shape{2}});
  const auto samples = static_cast<double>(parts.data.samples());
  return {.loss = sums[0] / samples, .accuracy = sums[1] / samples};
}

}  // namespace d2l
