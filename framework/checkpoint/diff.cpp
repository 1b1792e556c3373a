#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <set>

#include "framework/base/error.h"
#include "framework/checkpoint/snapshot.h"

namespace d2l {
namespace {

template <class T>
T element_at(const Snapshot::Array& array, size_t index) {
  T value;
  std::memcpy(&value, array.bytes.data() + index * sizeof(T), sizeof value);
  return value;
}

// The root mean square of the finite elements.
template <class T>
double root_mean_square(const Snapshot::Array& array) {
  size_t count = array.bytes.size() / sizeof(T);
  double sum = 0;
  for (size_t i = 0; i < count; ++i) {
    double value = static_cast<double>(element_at<T>(array, i));
    if (std::isfinite(value)) sum += value * value;
  }
  return count > 0 && std::isfinite(sum) ? std::sqrt(sum / static_cast<double>(count)) : 0;
}

// Summary of the elements that differ by more than the tolerance.
class Differences {
 public:
  // Adds two elements with different bits. `scale` is the array's magnitude for the tolerance.
  void add(double a, double b, double relative_tolerance, double scale) {
    double largest = std::max(std::abs(a), std::abs(b));
    double difference = std::abs(a - b);
    // NaN and infinity never pass: they equal only themselves
    bool finite = std::isfinite(a) && std::isfinite(b);
    if (relative_tolerance > 0 && finite &&
        difference <= relative_tolerance * std::max(largest, scale))
      return;
    ++count_;
    if (!finite) difference = std::numeric_limits<double>::infinity();
    absolute_ = std::max(absolute_, difference);
    relative_ = std::max(relative_, !finite ? difference : largest > 0 ? difference / largest : 0);
  }
  bool any() const { return count_ > 0; }
  std::string to_string(size_t of) const {
    std::string which = of > 1 ? concat(count_, " of ", of, " elements differ") : "differs";
    return concat(which, ", absolute difference up to ", absolute_, ", relative up to ", relative_);
  }

 private:
  size_t count_ = 0;
  double absolute_ = 0, relative_ = 0;
};

template <class T>
std::string compare_elements(const Snapshot::Array& a, const Snapshot::Array& b,
                             double relative_tolerance) {
  size_t count = a.bytes.size() / sizeof(T);
  double scale = 0;
  if (relative_tolerance > 0) scale = std::max(root_mean_square<T>(a), root_mean_square<T>(b));
  Differences differences;
  for (size_t i = 0; i < count; ++i) {
    T x = element_at<T>(a, i), y = element_at<T>(b, i);
    // Bits, not values: -0 is not 0, and a NaN equals itself.
    if (std::memcmp(&x, &y, sizeof x) != 0)  // NOLINT(bugprone-suspicious-memory-comparison)
      differences.add(static_cast<double>(x), static_cast<double>(y),
                      std::is_floating_point_v<T> ? relative_tolerance : 0, scale);
  }
  return differences.any() ? differences.to_string(count) : "";
}

// Empty when they are equal.
std::string compare(const Snapshot::Array& a, const Snapshot::Array& b, double tolerance) {
  if (a.dtype != b.dtype || !(a.shape == b.shape) || a.bytes.size() != b.bytes.size())
    return concat(to_string(a.dtype), " ", a.shape, " against ", to_string(b.dtype), " ", b.shape);
  if (a.bytes == b.bytes) return "";
  switch (a.dtype) {
    case DType::f32:
      return compare_elements<float>(a, b, tolerance);
    case DType::f64:
      return compare_elements<double>(a, b, tolerance);
    case DType::i32:
      return compare_elements<int32_t>(a, b, tolerance);
    case DType::i64:
      return compare_elements<int64_t>(a, b, tolerance);
    case DType::u8:
      return compare_elements<uint8_t>(a, b, tolerance);
    case DType::bf16:
      return compare_elements<Bfloat16>(a, b, tolerance);
    case DType::f16:
      return compare_elements<Float16>(a, b, tolerance);
  }
  fail("cannot compare arrays of unknown dtype ", static_cast<int>(a.dtype));
}

std::string compare(int64_t a, int64_t b, double) {
  return a == b ? "" : concat(a, " against ", b);
}

std::string compare(double a, double b, double tolerance) {
  // NOLINTNEXTLINE(bugprone-suspicious-memory-comparison): bits, as above
  if (std::memcmp(&a, &b, sizeof a) == 0) return "";
  Differences differences;
  differences.add(a, b, tolerance, 0);
  return differences.any() ? concat(a, " against ", b, ", ", differences.to_string(1)) : "";
}

template <class Value>
void compare_maps(const std::map<std::string, Value>& a, const std::map<std::string, Value>& b,
                  double tolerance, std::vector<std::string>& lines) {
  std::set<std::string> names;
  for (const auto& [name, value] : a) names.insert(name);
  for (const auto& [name, value] : b) names.insert(name);
  for (const std::string& name : names) {
    auto in_a = a.find(name), in_b = b.find(name);
    if (in_a == a.end() || in_b == b.end()) {
      lines.push_back(concat(name, ": only in the ", in_b == b.end() ? "first" : "second"));
      continue;
    }
    std::string difference = compare(in_a->second, in_b->second, tolerance);
    if (!difference.empty()) lines.push_back(concat(name, ": ", difference));
  }
}

}  // namespace

std::vector<std::string> diff_snapshots(const Snapshot& a, const Snapshot& b,
                                        double relative_tolerance) {
  std::vector<std::string> lines;
  compare_maps(a.arrays, b.arrays, relative_tolerance, lines);
  compare_maps(a.integers, b.integers, relative_tolerance, lines);
  compare_maps(a.reals, b.reals, relative_tolerance, lines);
  std::sort(lines.begin(), lines.end());
  return lines;
}

}  // namespace d2l
