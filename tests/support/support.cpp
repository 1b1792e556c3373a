#include "tests/support/support.h"

#include <unistd.h>

#include <cmath>
#include <cstdlib>

#include "framework/backend/cuda_module.h"

namespace d2l::test {

Backend& cpu() {
  static std::unique_ptr<Backend> backend = make_cpu_backend(1);
  return *backend;
}

Backend& device() {
  const char* name = std::getenv("D2L_TEST_DEVICE");
  if (name == nullptr || std::string(name) == "cpu") return cpu();
  return gpu();
}

// Never destroyed: at exit, parts of the vendor's libraries may be gone already, and cudnnDestroy()
// has crashed there.
Backend& gpu() {
  static Backend& backend = *make_cuda_backend({}).release();
  return backend;
}

testing::AssertionResult close(const Tensor& found, const std::vector<float>& expected,
                               double relative, double absolute) {
  std::vector<float> values = found.to_vector<float>();
  if (values.size() != expected.size())
    return testing::AssertionFailure()
           << "expected " << expected.size() << " elements, found shape " << found.shape();
  for (size_t i = 0; i < values.size(); ++i) {
    double difference = std::abs(static_cast<double>(values[i]) - expected[i]);
    // written so that NaN fails
    if (!(difference <= absolute + relative * std::abs(expected[i])))
      return testing::AssertionFailure() << "element " << i << " of " << found.shape()
                                         << ": expected " << expected[i] << ", found " << values[i];
  }
  return testing::AssertionSuccess();
}

testing::AssertionResult close(const Tensor& found, const Tensor& expected, double relative,
                               double absolute) {
  if (!(found.shape() == expected.shape()))
    return testing::AssertionFailure()
           << "expected shape " << expected.shape() << ", found " << found.shape();
  return close(found, expected.to_vector<float>(), relative, absolute);
}

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "d2l-test-XXXXXX").string();
  check(mkdtemp(pattern.data()) != nullptr, "cannot make a folder like ", pattern);
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::filesystem::path bin_dir() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path();
}

std::filesystem::path source_dir() {
  const std::filesystem::path packaged = bin_dir().parent_path() / "share" / "d2l";
  return std::filesystem::is_directory(packaged) ? packaged : D2L_SOURCE_DIR;
}

std::filesystem::path data_dir() {
  const char* named = std::getenv("D2L_DATA_DIR");
  std::filesystem::path path =
      named ? std::filesystem::path(named)
            : std::filesystem::path(D2L_SOURCE_DIR).parent_path() / "shared" / "data";
  return std::filesystem::is_directory(path) ? path : std::filesystem::path();
}

}  // namespace d2l::test
