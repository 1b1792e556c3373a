#include "framework/checkpoint/snapshot.h"

#include <cmath>
#include <set>

#include "framework/base/checksum.h"
#include "framework/base/error.h"
#include "framework/base/text.h"

namespace d2l {
namespace {

std::string describe(DType dtype, const Shape& shape) {
  return to_string(dtype) + " " + shape.to_string();
}

// Waits for copies queued on any of the backends.
class Devices {
 public:
  void use(Backend& backend) { backends_.insert(&backend); }
  void synchronize() {
    for (Backend* backend : backends_) backend->synchronize();
  }

 private:
  std::set<Backend*> backends_;
};

class Saver : public StateVisitor {
 public:
  void tensor(const std::string& name, Tensor& value) override {
    check_new(name);
    check(value.defined(), "cannot save ", name, ": its tensor is undefined");
    Snapshot::Array& array = snapshot_.arrays[name];
    array.dtype = value.dtype();
    array.shape = value.shape();
    array.bytes.resize(value.bytes());
    if (array.bytes.empty()) return;
    value.backend().copy_to_host(value.view(), array.bytes.data());
    devices_.use(value.backend());
  }
  void integer(const std::string& name, int64_t& value) override {
    check_new(name);
    snapshot_.integers[name] = value;
  }
  void optional_integer(const std::string& name, int64_t& value) override {
    if (value != 0) integer(name, value);
  }
  void real(const std::string& name, double& value) override {
    check_new(name);
    snapshot_.reals[name] = value;
  }
  Snapshot finish() {
    devices_.synchronize();
    return std::move(snapshot_);
  }

 private:
  void check_new(const std::string& name) {
    check(names_.insert(name).second, "two entries of the state are named ", name);
  }

  Snapshot snapshot_;
  std::set<std::string> names_;
  Devices devices_;
};

// No early exit, so that the compiler vectorises the loop.
template <class Real>
bool all_finite(const std::vector<uint8_t>& bytes) {
  const auto* values = reinterpret_cast<const Real*>(bytes.data());
  const size_t count = bytes.size() / sizeof(Real);
  bool finite = true;
  for (size_t i = 0; i < count; ++i) finite &= std::isfinite(values[i]);
  return finite;
}

// Combines pieces of state into one checksum.
class StateSum {
 public:
  void add(const std::string& name, const std::string& kind, const void* data, size_t bytes) {
    const std::string label = name + ' ' + kind;
    const uint64_t parts[] = {sum_, checksum(label.data(), label.size()), checksum(data, bytes)};
    sum_ = checksum(parts, sizeof parts);
  }
  void add(const std::string& name, const Snapshot::Array& array) {
    add(name, describe(array.dtype, array.shape), array.bytes.data(), array.bytes.size());
  }
  void add(const std::string& name, int64_t value) { add(name, "integer", &value, sizeof value); }
  void add(const std::string& name, double value) { add(name, "real", &value, sizeof value); }
  uint64_t result() const { return sum_; }

 private:
  uint64_t sum_ = 0;
};

// Combines all visited state into one checksum.
class Checksummer : public StateVisitor {
 public:
  void tensor(const std::string& name, Tensor& value) override {
    if (value.backend().device().kind != DeviceKind::cpu) {
      Saver saver;
      saver.tensor(name, value);
      const Snapshot snapshot = saver.finish();
      return sum_.add(name, snapshot.arrays.at(name));
    }
    sum_.add(name, describe(value.dtype(), value.shape()), value.view().data, value.bytes());
  }
  void integer(const std::string& name, int64_t& value) override { sum_.add(name, value); }
  void optional_integer(const std::string& name, int64_t& value) override {
    if (value != 0) integer(name, value);
  }
  void real(const std::string& name, double& value) override { sum_.add(name, value); }
  uint64_t result() const { return sum_.result(); }

 private:
  StateSum sum_;
};

// Collects everything that does not fit; overwrites nothing.
class Inspector : public StateVisitor {
 public:
  explicit Inspector(const Snapshot& snapshot) : snapshot_(snapshot) {
    for (const auto& [name, array] : snapshot.arrays) unused_.insert(name);
    for (const auto& [name, value] : snapshot.integers) unused_.insert(name);
    for (const auto& [name, value] : snapshot.reals) unused_.insert(name);
  }

  void tensor(const std::string& name, Tensor& value) override {
    check(value.defined(), "cannot restore ", name, ": its tensor is undefined");
    ++arrays_wanted_;
    auto found = snapshot_.arrays.find(name);
    std::string wanted = describe(value.dtype(), value.shape());
    if (!take(name, wanted, found != snapshot_.arrays.end())) return;
    const Snapshot::Array& array = found->second;
    if (array.dtype == value.dtype() && array.shape == value.shape() &&
        array.bytes.size() == value.bytes())
      ++arrays_fitting_;
    else
      problems_.push_back(
          concat(name, ": expected ", wanted, ", found ", describe(array.dtype, array.shape)));
  }
  void integer(const std::string& name, int64_t&) override {
    take(name, "an integer", snapshot_.integers.contains(name));
  }
  void optional_integer(const std::string& name, int64_t& value) override {
    if (unused_.contains(name)) integer(name, value);
  }
  void real(const std::string& name, double&) override {
    take(name, "a real", snapshot_.reals.contains(name));
  }

  // Throws Error listing all problems found.
  void verdict(const std::string& origin) {
    std::vector<std::string> unused(unused_.begin(), unused_.end());
    for (const std::string& line : missing_) problems_.push_back(line);
    for (const std::string& name : unused) problems_.push_back("unused: " + name);
    if (problems_.empty()) return;
    size_t all = problems_.size();
    if (all > kShown) problems_.resize(kShown);
    std::string more = all > kShown ? concat("; and ", all - kShown, " more") : "";
    fail(origin, ": does not fit: ", join(problems_, "; "), more, other_model());
  }

 private:
  // Marks the piece as used; false if it does not exist as this kind.
  bool take(const std::string& name, const std::string& wanted, bool there) {
    check(names_.insert(name).second, "two entries of the state are named ", name);
    if (there) {
      unused_.erase(name);
      return true;
    }
    bool other_kind = unused_.erase(name) > 0;
    if (other_kind) {
      problems_.push_back(concat(name, ": expected ", wanted, ", found an entry of another kind"));
      return false;
    }
    std::string near;
    if (missing_.size() < kShown) near = nearest(name, {unused_.begin(), unused_.end()});
    missing_.push_back(concat("missing: ", name, " (", wanted, ")",
                              near.empty() ? "" : ", the most similar name is " + near));
    return false;
  }
  // If most arrays do not fit, the file belongs to another model; its config may name it.
  std::string other_model() const {
    if (arrays_wanted_ == 0 || 2 * arrays_fitting_ >= arrays_wanted_) return "";
    std::string says;
    auto config = snapshot_.texts.find("config");
    size_t line = config == snapshot_.texts.end() ? std::string::npos
                                                  : ("\n" + config->second).find("\nmodel");
    if (line != std::string::npos)
      says = concat(" (its config says '",
                    config->second.substr(line, config->second.find('\n', line) - line), "')");
    return concat("; only ", arrays_fitting_, " of ", arrays_wanted_,
                  " arrays fit: this looks like another model's checkpoint", says);
  }

  static constexpr size_t kShown = 5;

  const Snapshot& snapshot_;
  std::set<std::string> names_, unused_;
  std::vector<std::string> problems_, missing_;
  int arrays_wanted_ = 0, arrays_fitting_ = 0;
};

class Restorer : public StateVisitor {
 public:
  explicit Restorer(const Snapshot& snapshot) : snapshot_(snapshot) {}

  void tensor(const std::string& name, Tensor& value) override {
    const Snapshot::Array& array = snapshot_.arrays.at(name);
    if (array.bytes.empty()) return;
    value.backend().copy_from_host(array.bytes.data(), value.view());
    devices_.use(value.backend());
  }
  void integer(const std::string& name, int64_t& value) override {
    value = snapshot_.integers.at(name);
  }
  void optional_integer(const std::string& name, int64_t& value) override {
    const auto found = snapshot_.integers.find(name);
    value = found == snapshot_.integers.end() ? 0 : found->second;
  }
  void real(const std::string& name, double& value) override { value = snapshot_.reals.at(name); }
  void finish() { devices_.synchronize(); }

 private:
  const Snapshot& snapshot_;
  Devices devices_;
};

}  // namespace

Snapshot take_snapshot(const VisitState& visit) {
  Saver saver;
  visit(saver);
  return saver.finish();
}

std::string first_not_finite(const Snapshot& snapshot) {
  for (const auto& [name, array] : snapshot.arrays) {
    const bool finite = array.dtype == DType::f32   ? all_finite<float>(array.bytes)
                        : array.dtype == DType::f64 ? all_finite<double>(array.bytes)
                                                    : true;
    if (!finite) return name;
  }
  for (const auto& [name, value] : snapshot.reals)
    if (!std::isfinite(value)) return name;
  return "";
}

uint64_t state_checksum(const VisitState& visit) {
  Checksummer checksummer;
  visit(checksummer);
  return checksummer.result();
}

uint64_t state_checksum(const Snapshot& snapshot) {
  StateSum sum;
  for (const auto& [name, array] : snapshot.arrays) sum.add(name, array);
  for (const auto& [name, value] : snapshot.integers) sum.add(name, value);
  for (const auto& [name, value] : snapshot.reals) sum.add(name, value);
  return sum.result();
}

void restore_snapshot(const Snapshot& snapshot, const std::string& origin,
                      const VisitState& visit) {
  Inspector inspector(snapshot);
  visit(inspector);
  inspector.verdict(origin);
  Restorer restorer(snapshot);
  visit(restorer);
  restorer.finish();
}

}  // namespace d2l
