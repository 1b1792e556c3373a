#include "framework/train/evaluate.h"

#include "framework/autograd/softmax.h"
#include "framework/tensor/reduce.h"

namespace d2l {

double total(const Tensor& values) {
  return values.elements() > 0 ? sum(values).item<double>() : 0;
}

Evaluation evaluate(nn::Module& model, BatchSource& data, Backend& backend, Communicator& comm) {
  NoGrad no_grad;
  data.seek(0, 0);
  double sums[2] = {0, 0};
  for (int64_t i = 0; i < data.steps_per_epoch(); ++i) {
    Batch batch = data.next();
    if (batch.labels.elements() == 0) continue;
    Variable logits = model.forward(Variable(batch.inputs_on(backend)), {});
    CrossEntropy loss = cross_entropy(logits, batch.labels.to(backend));
    sums[0] += total(loss.losses.value());
    sums[1] += total(loss.correct);
  }
  comm.all_reduce({sums, DType::f64, Shape{2}});
  const auto samples = static_cast<double>(data.samples());
  return {.loss = sums[0] / samples, .accuracy = sums[1] / samples};
}

}  // namespace d2l
