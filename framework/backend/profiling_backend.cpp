#include "framework/backend/profiling_backend.h"

#include <algorithm>
#include <cstdlib>

#include "framework/backend/traffic.h"
#include "framework/base/error.h"
#include "framework/base/scope.h"
#include "framework/base/text.h"
#include "framework/base/timer.h"

namespace d2l {
namespace {

class UncountedRecording final : public Backend::Recording {
 public:
  UncountedRecording(std::unique_ptr<Recording> inner, const bool& counting)
      : inner_(std::move(inner)), counting_(counting) {}
  std::string describe() const override { return inner_->describe(); }
  bool replay() override { return !counting_ && inner_->replay(); }

 private:
  std::unique_ptr<Recording> inner_;
  const bool& counting_;
};

void* allocate_untouched(size_t bytes) {
  void* block = std::malloc(bytes);
  check(block != nullptr, "out of memory: the host has no ", human_bytes(bytes), " more");
  return block;
}

// y [n, oh, ow, o], weight [o, kh, kw, c]
int64_t convolution(const ConstView& y, const ConstView& weight) {
  return y.elements() * weight.shape.elements(1, weight.shape.rank());
}

int64_t product(const MatmulParams& params, const ConstView& a, const ConstView& out) {
  return out.elements() * a.shape.size(params.transpose_a ? -2 : -1);
}

int64_t attention_products(const Backend::AttentionOperands& in) {
  const Shape &queries = in.queries.shape, &values = in.values.shape;
  return queries[0] * queries[1] * values[1] * (queries[2] + values[2]);
}

// A product with a 16-bit operand rounds the other one.
DType multiplied(const ConstView& a, const ConstView& b) {
  return a.dtype == DType::f32 ? b.dtype : a.dtype;
}

// The result of a batch norm or its mask, where the gradient asks for one.
ConstView result_read(const Backend::NormOutput& out, const Backend::NormGradients& gradients) {
  if (!gradients.before) return {};
  return out.mask ? out.mask : out.y;
}

// Of flat arrays, of which an optimizer's ranges cover a part.
int64_t covered_bytes(StepRanges ranges, int64_t bytes, const ConstView& array) {
  if (ranges.empty() || array.elements() == 0) return bytes;
  int64_t covered = 0;
  for (const StepRange& range : ranges) covered += range.end - range.begin;
  return bytes / array.elements() * covered;  // as many bytes for each element
}

}  // namespace

double Limits::least_seconds(int64_t multiply_adds, DType dtype, int64_t bytes) const {
  double seconds = bytes_per_second > 0 ? static_cast<double>(bytes) / bytes_per_second : 0;
  const auto rate = multiply_adds_per_second.find(dtype);
  if (rate != multiply_adds_per_second.end())
    seconds = std::max(seconds, static_cast<double>(multiply_adds) / rate->second);
  return seconds;
}

ProfilingBackend::ProfilingBackend(Backend* inner) : inner_(inner) {
  if (inner_ == nullptr)
    own_pool_ = std::make_unique<MemoryPool>(MemoryPool::Raw{allocate_untouched, std::free});
}

void ProfilingBackend::reset() {
  costs_.clear();
  places_.clear();
}

Cost& ProfilingBackend::cost_of(const Operation& operation) {
  const Scope& scope = current_scope();
  const bool in_module = scope.path != nullptr;
  const std::string module = in_module ? *scope.path : "";
  const auto [place, is_new] = places_.try_emplace(
      std::tuple(operation.name, scope.backward, in_module, module), costs_.size());
  if (is_new)
    costs_.push_back({.in_module = in_module,
                      .module = module,
                      .backward = scope.backward,
                      .operation = operation.name,
                      .work = operation.work});
  return costs_[place->second];
}

template <class Run>
void ProfilingBackend::count(const Operation& operation, const Run& run) {
  if (!counting_) {
    if (inner_ != nullptr) run(*inner_);
    return;
  }
  double seconds = 0;
  if (inner_ != nullptr) {
    inner_->synchronize();  // copies from the host may still be under way
    const Timer timer;
    run(*inner_);
    inner_->synchronize();
    seconds = timer.seconds();
  }
  Cost& cost = cost_of(operation);
  cost.calls += 1;
  cost.seconds += seconds;
  cost.multiply_adds += operation.multiply_adds;
  cost.bytes += operation.bytes;
  cost.least_seconds +=
      limits_.least_seconds(operation.multiply_adds, operation.multiplied, operation.bytes);
}

Device ProfilingBackend::device() const {
  return inner_ != nullptr ? inner_->device() : Device{DeviceKind::cpu, 0};
}

std::string ProfilingBackend::describe() const {
  return inner_ != nullptr ? inner_->describe() : "dry run";
}

std::string ProfilingBackend::describe_products(DType activations) const {
  return inner_ != nullptr ? inner_->describe_products(activations) : std::string();
}

bool ProfilingBackend::computes(DType dtype) const {
  return inner_ != nullptr ? inner_->computes(dtype) : dtype == DType::f32 || is_half(dtype);
}

MemoryPool& ProfilingBackend::pool() { return inner_ != nullptr ? inner_->pool() : *own_pool_; }

void ProfilingBackend::copy_from_host(const void* host, View out) {
  if (inner_ != nullptr) inner_->copy_from_host(host, out);
}

void ProfilingBackend::copy_to_host(ConstView in, void* host) {
  if (inner_ != nullptr) inner_->copy_to_host(in, host);
}

void ProfilingBackend::synchronize() {
  if (inner_ != nullptr) inner_->synchronize();
}

MemoryPool& ProfilingBackend::staging() {
  return inner_ != nullptr ? inner_->staging() : *own_pool_;
}

uint64_t ProfilingBackend::mark() { return inner_ != nullptr ? inner_->mark() : 0; }

void ProfilingBackend::wait_for(uint64_t mark, const std::function<void()>& meanwhile) {
  if (inner_ != nullptr) inner_->wait_for(mark, meanwhile);
}

std::unique_ptr<Backend::Recording> ProfilingBackend::record(const std::function<void()>& work) {
  if (inner_ == nullptr || counting_) return nullptr;
  std::unique_ptr<Recording> recording = inner_->record(work);
  if (recording == nullptr) return nullptr;
  return std::make_unique<UncountedRecording>(std::move(recording), counting_);
}

void ProfilingBackend::round_once(ConstView values, DType dtype) {
  count({"round_once", Work::copies}, [&](Backend& inner) { inner.round_once(values, dtype); });
}

void ProfilingBackend::send(const void* host, View out, uint64_t after) {
  if (inner_ != nullptr) inner_->send(host, out, after);
}

void ProfilingBackend::receive() {
  if (inner_ != nullptr) inner_->receive();
}

void ProfilingBackend::fill(View out, double value) {
  count({"fill", Work::copies, moved({}, {out})}, [&](Backend& inner) { inner.fill(out, value); });
}

void ProfilingBackend::copy(const ConstStridedView& in, const StridedView& out, bool accumulate) {
  count({"copy", Work::copies, moved({in, accumulate ? out : StridedView{}}, {out})},
        [&](Backend& inner) { inner.copy(in, out, accumulate); });
}

void ProfilingBackend::gather_rows(ConstView table, ConstView indices, View out) {
  count(
      {"gather_rows", Work::copies, moved({indices}, {out}) + std::min(out.bytes(), table.bytes())},
      [&](Backend& inner) { inner.gather_rows(table, indices, out); });
}

void ProfilingBackend::scatter_add_rows(ConstView rows, ConstView indices, View table) {
  count({"scatter_add_rows", Work::copies,
         moved({rows, indices}, {}) + 2 * std::min(rows.bytes(), table.bytes())},
        [&](Backend& inner) { inner.scatter_add_rows(rows, indices, table); });
}

void ProfilingBackend::unary(Unary op, ConstView x, View y) {
  count({"unary", Work::element_wise, moved({x}, {y})},
        [&](Backend& inner) { inner.unary(op, x, y); });
}

void ProfilingBackend::unary_backward(Unary op, ConstView x, ConstView y, ConstView grad_y,
                                      View grad_x) {
  count({"unary_backward", Work::element_wise, moved({x ? x : y, grad_y}, {grad_x})},
        [&](Backend& inner) { inner.unary_backward(op, x, y, grad_y, grad_x); });
}

void ProfilingBackend::binary(Binary op, ConstView a, ConstView b, View out) {
  count({"binary", Work::element_wise, moved({a, b}, {out})},
        [&](Backend& inner) { inner.binary(op, a, b, out); });
}

void ProfilingBackend::binary_scalar(Binary op, ConstView a, double b, View out) {
  count({"binary_scalar", Work::element_wise, moved({a}, {out})},
        [&](Backend& inner) { inner.binary_scalar(op, a, b, out); });
}

void ProfilingBackend::scalar_binary(Binary op, double a, ConstView b, View out) {
  count({"scalar_binary", Work::element_wise, moved({b}, {out})},
        [&](Backend& inner) { inner.scalar_binary(op, a, b, out); });
}

void ProfilingBackend::compare(Compare op, ConstView a, ConstView b, View out) {
  count({"compare", Work::element_wise, moved({a, b}, {out})},
        [&](Backend& inner) { inner.compare(op, a, b, out); });
}

void ProfilingBackend::axpby(double alpha, ConstView x, double beta, View y) {
  count({"axpby", Work::element_wise, moved({x, beta != 0 ? y : View{}}, {y})},
        [&](Backend& inner) { inner.axpby(alpha, x, beta, y); });
}

void ProfilingBackend::dropout(const DropoutParams& params, ConstView x, View y) {
  count({"dropout", Work::element_wise, moved({x}, {y})},
        [&](Backend& inner) { inner.dropout(params, x, y); });
}

void ProfilingBackend::prepare_images(const ImageParams& params, const ImageOperands& in, View y) {
  count({"prepare_images", Work::element_wise},
        [&](Backend& inner) { inner.prepare_images(params, in, y); });
}

void ProfilingBackend::reduce(Reduction op, ConstView x, View y) {
  count({"reduce", Work::copies, moved({x}, {y})}, [&](Backend& inner) { inner.reduce(op, x, y); });
}

void ProfilingBackend::argmax(ConstView x, int axis, View indices) {
  count({"argmax", Work::copies, moved({x}, {indices})},
        [&](Backend& inner) { inner.argmax(x, axis, indices); });
}

void ProfilingBackend::cumsum(ConstView x, int axis, bool reverse, View y) {
  count({"cumsum", Work::copies, moved({x}, {y})},
        [&](Backend& inner) { inner.cumsum(x, axis, reverse, y); });
}

void ProfilingBackend::matmul(const MatmulParams& params, ConstView a, ConstView b, ConstView bias,
                              View out) {
  count({"matmul", Work::matmul, moved({a, b, bias}, {out}), product(params, a, out),
         multiplied(a, b)},
        [&](Backend& inner) { inner.matmul(params, a, b, bias, out); });
}

void ProfilingBackend::conv2d(const Conv2dParams& params, const ConvOperands& in, View y) {
  count({"conv2d", Work::convolution, moved({in.x, in.weight, in.bias}, {y}),
         convolution(y, in.weight), y.dtype},
        [&](Backend& inner) { inner.conv2d(params, in, y); });
}

void ProfilingBackend::conv2d_backward_input(const Conv2dParams& params, ConstView grad_y,
                                             ConstView weight, View grad_x, bool accumulate) {
  count({"conv2d_backward_input", Work::convolution,
         moved({grad_y, weight, accumulate ? grad_x : View{}}, {grad_x}),
         convolution(grad_y, weight), grad_y.dtype},
        [&](Backend& inner) {
          inner.conv2d_backward_input(params, grad_y, weight, grad_x, accumulate);
        });
}

void ProfilingBackend::conv2d_backward_weight(const Conv2dParams& params, ConstView x,
                                              ConstView grad_y, View grad_weight, View grad_bias) {
  count({"conv2d_backward_weight", Work::convolution, moved({x, grad_y}, {grad_weight, grad_bias}),
         convolution(grad_y, grad_weight), grad_y.dtype},
        [&](Backend& inner) {
          inner.conv2d_backward_weight(params, x, grad_y, grad_weight, grad_bias);
        });
}

void ProfilingBackend::pool2d(const Pool2dParams& params, ConstView x, View y, View winners) {
  count({"pool2d", Work::pooling, moved({x}, {y, winners})},
        [&](Backend& inner) { inner.pool2d(params, x, y, winners); });
}

void ProfilingBackend::pool2d_backward(const Pool2dParams& params, ConstView grad_y,
                                       ConstView winners, View grad_x) {
  count({"pool2d_backward", Work::pooling, moved({grad_y, winners}, {grad_x})},
        [&](Backend& inner) { inner.pool2d_backward(params, grad_y, winners, grad_x); });
}

void ProfilingBackend::conv2d_pool(const ConvPoolParams& params, const ConvOperands& in,
                                   const ConvKept& kept, View y) {
  count({"conv2d_pool", Work::convolution,
         moved({in.x, in.weight, in.bias}, {kept.conv, kept.winners, y}),
         convolution(kept.conv, in.weight), y.dtype},
        [&](Backend& inner) { inner.conv2d_pool(params, in, kept, y); });
}

void ProfilingBackend::conv2d_pool_backward(const ConvPoolParams& params, const ConvOperands& in,
                                            const ConvKept& kept, ConstView grad_y,
                                            const ConvGradients& gradients) {
  count({"conv2d_pool_backward", Work::convolution,
         moved({in.x, in.weight, kept.conv, kept.winners, grad_y},
               {gradients.x, gradients.weight, gradients.bias}),
         (gradients.x ? 2 : 1) * convolution(kept.conv, in.weight), grad_y.dtype},
        [&](Backend& inner) { inner.conv2d_pool_backward(params, in, kept, grad_y, gradients); });
}

void ProfilingBackend::activated_pool2d_backward(const ConvPoolParams& params, ConstView y,
                                                 ConstView grad_y, ConstView winners, View grad_x) {
  count(
      {"activated_pool2d_backward", Work::pooling, moved({y, grad_y, winners}, {grad_x})},
      [&](Backend& inner) { inner.activated_pool2d_backward(params, y, grad_y, winners, grad_x); });
}

void ProfilingBackend::batch_norm_statistics(ConstView x, const NormStatistics& of_batch,
                                             const NormRunning& running) {
  count({"batch_norm_statistics", Work::normalisation,
         moved({x, running.mean, running.variance},
               {of_batch.mean, of_batch.variance, running.mean, running.variance})},
        [&](Backend& inner) { inner.batch_norm_statistics(x, of_batch, running); });
}

int64_t ProfilingBackend::batch_norm_mask_bytes(const BatchNormParams& params,
                                                const NormOperands& in) const {
  return inner_ != nullptr ? inner_->batch_norm_mask_bytes(params, in) : 0;
}

void ProfilingBackend::batch_norm_apply(const BatchNormParams& params, const NormOperands& in,
                                        const NormStatistics& given, View y, View mask) {
  count({"batch_norm_apply", Work::normalisation,
         moved({in.x, in.gamma, in.beta, in.residual, given.mean, given.variance}, {y, mask})},
        [&](Backend& inner) { inner.batch_norm_apply(params, in, given, y, mask); });
}

void ProfilingBackend::batch_norm_gradient_sums(const BatchNormParams& params,
                                                const NormOperands& in,
                                                const NormStatistics& of_batch,
                                                const NormOutput& out,
                                                const NormGradients& gradients) {
  count({"batch_norm_gradient_sums", Work::normalisation,
         moved({in.x, of_batch.mean, of_batch.variance, result_read(out, gradients), out.grad_y},
               {gradients.gamma, gradients.beta, gradients.before})},
        [&](Backend& inner) {
          inner.batch_norm_gradient_sums(params, in, of_batch, out, gradients);
        });
}

void ProfilingBackend::batch_norm_gradient_input(const BatchNormParams& params,
                                                 const NormOperands& in,
                                                 const NormStatistics& of_batch,
                                                 const NormOutput& out,
                                                 const NormGradients& gradients) {
  count({"batch_norm_gradient_input", Work::normalisation,
         moved({in.x, in.gamma, of_batch.mean, of_batch.variance,
                gradients.before ? ConstView(gradients.before) : out.grad_y, gradients.gamma,
                gradients.beta},
               {gradients.x})},
        [&](Backend& inner) {
          inner.batch_norm_gradient_input(params, in, of_batch, out, gradients);
        });
}

void ProfilingBackend::layer_norm(const LayerNormParams& params, const NormOperands& in, View y,
                                  const NormStatistics& of_rows) {
  count({"layer_norm", Work::normalisation,
         moved({in.x, in.gamma, in.beta, in.residual}, {y, of_rows.mean, of_rows.variance})},
        [&](Backend& inner) { inner.layer_norm(params, in, y, of_rows); });
}

void ProfilingBackend::layer_norm_backward(const LayerNormParams& params, const NormOperands& in,
                                           const NormStatistics& of_rows, ConstView grad_y,
                                           const NormGradients& gradients) {
  count({"layer_norm_backward", Work::normalisation,
         moved({in.x, in.gamma, of_rows.mean, of_rows.variance, grad_y},
               {gradients.x, gradients.gamma, gradients.beta})},
        [&](Backend& inner) { inner.layer_norm_backward(params, in, of_rows, grad_y, gradients); });
}

void ProfilingBackend::masked_softmax(ConstView x, ConstView lengths, View y) {
  count({"masked_softmax", Work::attention, moved({x, lengths}, {y})},
        [&](Backend& inner) { inner.masked_softmax(x, lengths, y); });
}

void ProfilingBackend::masked_softmax_backward(ConstView y, ConstView lengths, ConstView grad_y,
                                               View grad_x) {
  count({"masked_softmax_backward", Work::attention, moved({y, lengths, grad_y}, {grad_x})},
        [&](Backend& inner) { inner.masked_softmax_backward(y, lengths, grad_y, grad_x); });
}

void ProfilingBackend::attention(const AttentionParams& params, const AttentionOperands& in,
                                 View kept, View y) {
  count(
      {"attention", Work::attention, moved({in.queries, in.keys, in.values, in.lengths}, {kept, y}),
       attention_products(in), y.dtype},
      [&](Backend& inner) { inner.attention(params, in, kept, y); });
}

void ProfilingBackend::attention_backward(const AttentionParams& params,
                                          const AttentionOperands& in, ConstView kept,
                                          ConstView grad_y, const AttentionGradients& gradients) {
  count({"attention_backward", Work::attention,
         moved({in.queries, in.keys, in.values, in.lengths, kept, grad_y},
               {gradients.queries, gradients.keys, gradients.values}),
         2 * attention_products(in), grad_y.dtype},
        [&](Backend& inner) { inner.attention_backward(params, in, kept, grad_y, gradients); });
}

void ProfilingBackend::softmax(ConstView x, View y) {
  count({"softmax", Work::element_wise, moved({x}, {y})},
        [&](Backend& inner) { inner.softmax(x, y); });
}

void ProfilingBackend::softmax_backward(ConstView y, ConstView grad_y, View grad_x) {
  count({"softmax_backward", Work::element_wise, moved({y, grad_y}, {grad_x})},
        [&](Backend& inner) { inner.softmax_backward(y, grad_y, grad_x); });
}

void ProfilingBackend::log_softmax(ConstView x, View y) {
  count({"log_softmax", Work::element_wise, moved({x}, {y})},
        [&](Backend& inner) { inner.log_softmax(x, y); });
}

void ProfilingBackend::log_softmax_backward(ConstView y, ConstView grad_y, View grad_x) {
  count({"log_softmax_backward", Work::element_wise, moved({y, grad_y}, {grad_x})},
        [&](Backend& inner) { inner.log_softmax_backward(y, grad_y, grad_x); });
}

void ProfilingBackend::cross_entropy(ConstView logits, ConstView labels, View losses,
                                     View probabilities, View correct) {
  count(
      {"cross_entropy", Work::loss, moved({logits, labels}, {losses, probabilities, correct})},
      [&](Backend& inner) { inner.cross_entropy(logits, labels, losses, probabilities, correct); });
}

void ProfilingBackend::cross_entropy_backward(ConstView probabilities, ConstView labels,
                                              ConstView grad_losses, View grad_logits) {
  count({"cross_entropy_backward", Work::loss,
         moved({probabilities, labels, grad_losses}, {grad_logits})},
        [&](Backend& inner) {
          inner.cross_entropy_backward(probabilities, labels, grad_losses, grad_logits);
        });
}

void ProfilingBackend::sgd_step(const SgdParams& params, ConstView gradient, View value,
                                View velocity) {
  count(
      {"sgd_step", Work::optimizer,
       covered_bytes(params.ranges, moved({gradient, value, velocity}, {value, velocity}), value)},
      [&](Backend& inner) { inner.sgd_step(params, gradient, value, velocity); });
}

void ProfilingBackend::adam_step(const AdamParams& params, ConstView gradient, View value,
                                 View mean, View square) {
  count({"adam_step", Work::optimizer,
         covered_bytes(params.ranges, moved({gradient, value, mean, square}, {value, mean, square}),
                       value)},
        [&](Backend& inner) { inner.adam_step(params, gradient, value, mean, square); });
}

void ProfilingBackend::lamb_direction(const AdamParams& params, View gradient, ConstView value,
                                      View mean, View square) {
  count({"lamb_direction", Work::optimizer,
         moved({gradient, value, mean, square}, {gradient, mean, square})},
        [&](Backend& inner) { inner.lamb_direction(params, gradient, value, mean, square); });
}

void ProfilingBackend::norms(StepRanges ranges, ConstView x, View norms) {
  count({"norms", Work::optimizer, covered_bytes(ranges, moved({x}, {}), x) + norms.bytes()},
        [&](Backend& inner) { inner.norms(ranges, x, norms); });
}

}  // namespace d2l
