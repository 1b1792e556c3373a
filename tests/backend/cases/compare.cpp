#include "tests/backend/cases/compare.h"

#include <cmath>
#include <cstring>

namespace d2l::test {
namespace {

using Call = std::function<void(const Inputs&, const Outputs&)>;
using CopyOf = std::function<Tensor(const Tensor&)>;

// Runs `call` on copies of the arguments; returns its outputs on the host.
std::vector<Tensor> run(const Arguments& arguments, const CopyOf& copy_of, const Call& call) {
  std::vector<Tensor> inputs, outputs;
  for (const Tensor& input : arguments.inputs) inputs.push_back(copy_of(input));
  for (const Tensor& output : arguments.outputs) outputs.push_back(copy_of(output));
  Inputs in;
  Outputs out;
  for (const Tensor& input : inputs) in.push_back(input.view());
  for (Tensor& output : outputs) out.push_back(output.view());
  call(in, out);
  std::vector<Tensor> results;
  for (size_t i = 0; i < outputs.size(); ++i)
    results.push_back(outputs[i].to(host()).cast(arguments.outputs[i].dtype()));
  return results;
}

CopyOf copies_for(Backend& on, const Arguments& arguments) {
  if (on.device().kind == DeviceKind::cuda) return [&on](const Tensor& x) { return x.to(on); };
  return [computed = arguments.computed](const Tensor& x) {
    return computed && x.dtype() == DType::f16 ? x.cast(DType::f32) : x.clone();
  };
}

std::vector<Tensor> run_on(Backend& on, const Arguments& arguments, const Kernel& kernel) {
  return run(arguments, copies_for(on, arguments),
             [&](const Inputs& in, const Outputs& out) { kernel(on, in, out); });
}

std::vector<Tensor> run_plainly(const Arguments& arguments, const PlainKernel& plain) {
  return run(
      arguments, [](const Tensor& x) { return x.clone(); }, plain);
}

// A test's inputs do not depend on which other tests have run.
uint64_t next_stream() {
  static const testing::TestInfo* test = nullptr;
  static uint64_t stream = 0;
  const testing::TestInfo* now = testing::UnitTest::GetInstance()->current_test_info();
  if (now != test) stream = 0;
  test = now;
  return ++stream;
}

bool agree_within(double found, double wanted, const Tolerance& tolerance) {
  if (found == wanted || (std::isnan(found) && std::isnan(wanted))) return true;
  return std::isfinite(wanted) &&
         std::abs(found - wanted) <= tolerance.absolute + tolerance.relative * std::abs(wanted);
}

}  // namespace

Backend& host() { return cpu(); }

bool tests_cuda() { return tested().device().kind == DeviceKind::cuda; }

std::vector<DType> floats() {
  std::vector<DType> all = {DType::f32, DType::bf16};
  if (tests_cuda()) all.push_back(DType::f16);
  return all;
}

testing::AssertionResult compare(const Arguments& arguments, const Kernel& kernel,
                                 const PlainKernel& plain, const Tolerances& tolerances) {
  const std::vector<Tensor> found = run_on(tested(), arguments, kernel);
  const std::vector<Tensor> wanted =
      tests_cuda() ? run_on(host(), arguments, kernel) : run_plainly(arguments, plain);
  for (size_t k = 0; k < wanted.size(); ++k) {
    const Tolerance tolerance = tolerances.of(wanted[k].dtype(), tests_cuda());
    const Doubles w = wanted[k].to_vector<double>(), f = found[k].to_vector<double>();
    for (size_t i = 0; i < w.size(); ++i)
      if (!agree_within(f[i], w[i], tolerance))
        return testing::AssertionFailure()
               << "output " << k << " " << to_string(wanted[k].dtype()) << " " << wanted[k].shape()
               << ", element " << i << ": the reference has " << w[i] << ", " << tested().describe()
               << " " << f[i];
  }
  return testing::AssertionSuccess();
}

std::vector<Tensor> outputs_of(const Arguments& arguments, const Kernel& kernel) {
  return run_on(tested(), arguments, kernel);
}

testing::AssertionResult repeats(const Arguments& arguments, const Kernel& kernel) {
  const CopyOf copy_of = copies_for(tested(), arguments);
  std::vector<std::vector<std::vector<double>>> found;
  uint64_t allocations = 0;
  const Call often = [&](const Inputs& in, const Outputs& out) {
    kernel(tested(), in, out);
    allocations = tested().pool().stats().system_allocations;
    for (int i = 0; i < 3; ++i) kernel(tested(), in, out);
    allocations = tested().pool().stats().system_allocations - allocations;
  };
  const std::vector<Tensor> last = run(arguments, copy_of, often);
  if (allocations != 0)
    return testing::AssertionFailure() << allocations << " further allocations of the system";
  const std::vector<Tensor> once = run_on(tested(), arguments, kernel);
  for (size_t k = 0; k < once.size(); ++k)
    if (std::memcmp(once[k].view().data, last[k].view().data, once[k].bytes()) != 0)
      return testing::AssertionFailure() << "output " << k << " has other bits when repeated";
  return testing::AssertionSuccess();
}

Tensor random_tensor(const Shape& shape, DType dtype, double low, double high) {
  return uniform(host(), shape, {.seed = 7, .stream = next_stream()}, low, high).cast(dtype);
}

Tensor random_indices(const Shape& shape, int64_t low, int64_t high) {
  Tensor result(host(), shape, DType::i64);
  const RngKey key{.seed = 8, .stream = next_stream()};
  for (int64_t i = 0; i < shape.elements(); ++i)
    result.data<int64_t>()[i] =
        low + static_cast<int64_t>(
                  random_below(key, static_cast<uint64_t>(i), static_cast<uint64_t>(high - low)));
  return result;
}

Tensor unwritten(const Shape& shape, DType dtype) {
  Tensor result(host(), shape, dtype);
  const bool real = dtype == DType::f32 || dtype == DType::f64 || is_half(dtype);
  std::memset(result.view().data, real ? 0xff : 0x5a, result.bytes());
  return result;
}

View writable(const ConstView& view) {
  return {const_cast<void*>(view.data), view.dtype, view.shape};
}

ConstView part(const ConstView& view, int64_t first, const Shape& shape) {
  return {view.as<char>() + first * static_cast<int64_t>(size_of(view.dtype)), view.dtype, shape};
}
View part(const View& view, int64_t first, const Shape& shape) {
  return {view.as<char>() + first * static_cast<int64_t>(size_of(view.dtype)), view.dtype, shape};
}

Doubles doubles(const ConstView& view) {
  if (!view) return {};
  Doubles values(static_cast<size_t>(view.elements()));
  visit_type(view.dtype, [&](auto zero) {
    using T = decltype(zero);
    for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(view.as<T>()[i]);
  });
  return values;
}

void store(const View& to, const Doubles& values) {
  if (!to) return;
  check(to.elements() == static_cast<int64_t>(values.size()), "a plain kernel has ", values.size(),
        " values for ", to.shape.to_string());
  visit_type(to.dtype, [&](auto zero) {
    using T = decltype(zero);
    for (size_t i = 0; i < values.size(); ++i)
      if constexpr (std::is_same_v<T, Bfloat16> || std::is_same_v<T, Float16>)
        to.as<T>()[i] = T(static_cast<float>(values[i]));
      else
        to.as<T>()[i] = static_cast<T>(values[i]);
  });
}

std::vector<int64_t> integers(const ConstView& view) {
  return {view.as<int64_t>(), view.as<int64_t>() + view.elements()};
}

}  // namespace d2l::test
