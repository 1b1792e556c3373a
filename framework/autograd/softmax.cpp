#include "framework/autograd/softmax.h"

#include "framework/autograd/arrange.h"
#include "framework/autograd/elementwise.h"

namespace d2l {

Variable softmax(const Variable& x) {
  if (x.value().dtype() != DType::f32)
    return in_f32(x, [](const Variable& wide) { return softmax(wide); });
  Tensor y(x.backend(), x.shape());
  y.backend().softmax(x.value().view(), y.view());
  return Variable::result(y, {x}, [x, y](const Tensor& grad) {
    x.contribute(
        [&](Tensor& out) { out.backend().softmax_backward(y.view(), grad.view(), out.view()); });
  });
}

Variable log_softmax(const Variable& x) {
  if (x.value().dtype() != DType::f32)
    return in_f32(x, [](const Variable& wide) { return log_softmax(wide); });
  Tensor y(x.backend(), x.shape());
  y.backend().log_softmax(x.value().view(), y.view());
  return Variable::result(y, {x}, [x, y](const Tensor& grad) {
    x.contribute([&](Tensor& out) {
      out.backend().log_softmax_backward(y.view(), grad.view(), out.view());
    });
  });
}

CrossEntropy cross_entropy(const Variable& scores, const Tensor& labels, double label_smoothing) {
  const Variable logits = cast(scores, DType::f32);
  const Shape& shape = logits.shape();
  check(shape.rank() == 2, "cross_entropy: expected logits [n, classes], found ", shape);
  check(labels.shape() == Shape{shape[0]}, "cross_entropy: logits ", shape, " expect labels [",
        shape[0], "], found ", labels.shape());
  check_dtype("cross_entropy: labels", labels, DType::i64);
  check(label_smoothing >= 0 && label_smoothing <= 1,
        "cross_entropy: expected a label smoothing in [0, 1], found ", label_smoothing);
  Backend& backend = logits.backend();
  Tensor losses(backend, Shape{shape[0]}), correct(backend, Shape{shape[0]});
  Tensor probabilities(backend, shape);
  backend.cross_entropy(logits.value().view(), labels.view(), losses.view(), probabilities.view(),
                        correct.view());
  Variable result =
      Variable::result(losses, {logits}, [logits, labels, probabilities](const Tensor& grad) {
        logits.contribute([&](Tensor& out) {
          out.backend().cross_entropy_backward(probabilities.view(), labels.view(), grad.view(),
                                               out.view());
        });
      });
  if (label_smoothing > 0) {
    Variable of_all_labels = -mean(log_softmax(logits), {1});
    result = result * (1 - label_smoothing) + of_all_labels * label_smoothing;
  }
  return {result, correct};
}

Variable squared_loss(const Variable& prediction, const Tensor& target) {
  check(prediction.shape() == target.shape(), "squared_loss: prediction ", prediction.shape(),
        " and target ", target.shape(), " differ in shape");
  return square(prediction - Variable(target)) * 0.5;
}

}  // namespace d2l
