#include "framework/backend/cuda_module.h"

#include <dlfcn.h>

#include <climits>
#include <cstdlib>
#include <filesystem>

#include "framework/backend/cuda_entry.h"

namespace d2l {
namespace {

constexpr const char* kName = "libd2l_cuda.so";
constexpr const char* kVariable = "D2L_CUDA_MODULE";

bool is_named() {
  const char* named = std::getenv(kVariable);
  return named != nullptr && *named != '\0';
}

// The module's place is relative to the program: PREFIX/bin/d2l-train, PREFIX/lib/libd2l_cuda.so.
std::string module_path() {
  if (is_named()) return std::getenv(kVariable);
  std::error_code ignored;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", ignored);
  return (program.parent_path().parent_path() / "lib" / kName).string();
}

struct Module {
  void* handle = nullptr;
  std::string trouble;  // why there are no GPUs
};

// Loaded once and never unloaded: objects of its classes may live as long as the program.
const Module& module() {
  static const Module kLoaded = [] {
    const std::string path = module_path();
    if (!std::filesystem::exists(path))
      return Module{
          nullptr, is_named() ? concat("$", kVariable, " names no file: ", path)
                              : concat("this d2l was built without CUDA (there is no ", path, ")")};
    void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle != nullptr) return Module{handle, ""};
    return Module{nullptr, concat("a library of the CUDA toolkit is missing: ", dlerror())};
  }();
  return kLoaded;
}

template <class Function>
Function* function(const char* name) {
  return reinterpret_cast<Function*>(cuda_module_function(name));
}

}  // namespace

void* cuda_module_function(const char* name) {
  check(module().handle != nullptr, module().trouble);
  void* found = dlsym(module().handle, name);
  check(found != nullptr, module_path(), ": expected the function ", name,
        ", found none: it is of another version of d2l");
  return found;
}

int count_cuda_devices() {
  if (module().handle == nullptr) return 0;
  return function<decltype(d2l_cuda_devices)>("d2l_cuda_devices")(nullptr);
}

std::string why_no_cuda() {
  if (module().handle == nullptr) return module().trouble;
  std::string trouble;
  function<decltype(d2l_cuda_devices)>("d2l_cuda_devices")(&trouble);
  return trouble;
}

bool expects_cuda() { return is_named() || std::filesystem::exists("/dev/nvidiactl"); }

std::string cuda_device_address(int device) {
  std::string address;
  function<decltype(d2l_cuda_device_address)>("d2l_cuda_device_address")(device, &address);
  return address;
}

std::unique_ptr<Backend> make_cuda_backend(const CudaOptions& options) {
  const int devices = count_cuda_devices();
  check(devices > 0, why_no_cuda());
  check(options.device >= 0 && options.device < devices, "expected one of ", devices,
        " GPUs, found number ", options.device);
  return std::unique_ptr<Backend>(
      function<decltype(d2l_cuda_backend)>("d2l_cuda_backend")(options));
}

}  // namespace d2l
