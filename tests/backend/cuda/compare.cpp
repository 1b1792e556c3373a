#include "tests/backend/cuda/compare.h"

#include <cmath>
#include <cstring>
#include <limits>

namespace d2l::test {
namespace {

std::vector<Tensor> copies(const std::vector<Tensor>& tensors, Backend& on, bool computed) {
  std::vector<Tensor> result;
  for (const Tensor& tensor : tensors) {
    if (&on != &tensor.backend())
      result.push_back(tensor.to(on));
    else
      result.push_back(computed && tensor.dtype() == DType::f16 ? tensor.cast(DType::f32)
                                                                : tensor.clone());
  }
  return result;
}

// The outputs, on the host.
std::vector<Tensor> run_on(Backend& on, const Arguments& arguments, const Kernel& kernel) {
  std::vector<Tensor> inputs = copies(arguments.inputs, on, arguments.computed);
  std::vector<Tensor> outputs = copies(arguments.outputs, on, arguments.computed);
  std::vector<ConstView> in;
  std::vector<View> out;
  for (const Tensor& input : inputs) in.push_back(input.view());
  for (Tensor& output : outputs) out.push_back(output.view());
  kernel(on, in, out);
  std::vector<Tensor> results;
  for (size_t i = 0; i < outputs.size(); ++i)
    results.push_back(outputs[i].to(host()).cast(arguments.outputs[i].dtype()));
  return results;
}

std::vector<Tensor> in_f32(const std::vector<Tensor>& tensors) {
  std::vector<Tensor> result;
  for (const Tensor& tensor : tensors)
    result.push_back(tensor.dtype() == DType::bf16 ? tensor.cast(DType::f32) : tensor);
  return result;
}

// A CPU that does not multiply 16-bit numbers is asked for the f32 results on them.
std::vector<Tensor> run_on_host(const Arguments& arguments, const Kernel& kernel) {
  if (host().computes(DType::bf16)) return run_on(host(), arguments, kernel);
  try {
    return run_on(host(), arguments, kernel);
  } catch (const std::exception&) {
    return run_on(host(), {in_f32(arguments.inputs), in_f32(arguments.outputs)}, kernel);
  }
}

bool agree(double found, double wanted, const Tolerance& tolerance) {
  if (found == wanted || (std::isnan(found) && std::isnan(wanted))) return true;
  return std::isfinite(wanted) &&
         std::abs(found - wanted) <= tolerance.absolute + tolerance.relative * std::abs(wanted);
}

}  // namespace

Backend& host() { return cpu(); }

std::vector<DType> multiplied_floats() {
  if (host().computes(DType::bf16)) return {DType::f32, DType::bf16, DType::f16};
  return {DType::f32, DType::f16};
}

testing::AssertionResult like_cpu(const Arguments& arguments, const Kernel& kernel,
                                  const Tolerance& tolerance) {
  const std::vector<Tensor> wanted = run_on_host(arguments, kernel);
  const std::vector<Tensor> found = run_on(gpu(), arguments, kernel);
  for (size_t k = 0; k < wanted.size(); ++k) {
    const std::vector<double> w = wanted[k].to_vector<double>(), f = found[k].to_vector<double>();
    for (size_t i = 0; i < w.size(); ++i)
      if (!agree(f[i], w[i], tolerance))
        return testing::AssertionFailure()
               << "output " << k << " " << wanted[k].shape() << ", element " << i
               << ": the CPU has " << w[i] << ", the GPU " << f[i];
  }
  return testing::AssertionSuccess();
}

Tensor random_tensor(const Shape& shape, DType dtype, double low, double high) {
  static uint64_t stream = 0;
  return uniform(host(), shape, {.seed = 7, .stream = ++stream}, low, high).cast(dtype);
}

Tensor random_indices(const Shape& shape, int64_t low, int64_t high) {
  Tensor result(host(), shape, DType::i64);
  static uint64_t stream = 0;
  ++stream;
  for (int64_t i = 0; i < shape.elements(); ++i)
    result.data<int64_t>()[i] = low + static_cast<int64_t>(random_below(
                                          {.seed = 8, .stream = stream}, static_cast<uint64_t>(i),
                                          static_cast<uint64_t>(high - low)));
  return result;
}

Tensor unwritten(const Shape& shape, DType dtype) {
  Tensor result(host(), shape, dtype);
  const bool real = dtype == DType::f32 || dtype == DType::f64 || is_half(dtype);
  std::memset(result.view().data, real ? 0xff : 0x5a, result.bytes());
  return result;
}

}  // namespace d2l::test
