#include "tests/backend/cudnn/device.h"

#include <memory>
#include <string>

#include "framework/backend/cuda/cudnn_descriptor.h"

// The program is linked so that calls of cudnnBackendSetAttribute reach the function below.
extern "C" {
// NOLINTBEGIN: the linker's names
cudnnStatus_t __real_cudnnBackendSetAttribute(cudnnBackendDescriptor_t descriptor,
                                              cudnnBackendAttributeName_t name,
                                              cudnnBackendAttributeType_t type, int64_t count,
                                              const void* values);
cudnnStatus_t __wrap_cudnnBackendSetAttribute(cudnnBackendDescriptor_t descriptor,
                                              cudnnBackendAttributeName_t name,
                                              cudnnBackendAttributeType_t type, int64_t count,
                                              const void* values);
// NOLINTEND
}

namespace d2l::test {
namespace {

// In the format in which cuDNN describes a device.
constexpr const char* kH100 = R"({
  "deviceName": "NVIDIA H100 80GB HBM3", "cudaDeviceId": 0, "deviceVer": 900, "driverVer": 13000,
  "multiProcessorCount": 132, "totalGlobalMem": 85017624576, "l2CacheSize": 52428800,
  "smClockRateKHz": 1980000, "memClockRateKHz": 2619000, "warpSize": 32, "pciDeviceId": 0,
  "maxGridSize": [2147483647, 65535, 65535], "maxBlockSize": [1024, 1024, 64],
  "regsPerBlock": 65536, "maxRegistersPerSM": 65536, "maxThreadsPerBlock": 1024,
  "maxThreadsPerSM": 2048, "maxCtasPerSM": 32, "maxSharedMemoryPerBlock": 49152,
  "maxSharedMemoryPerBlockOptin": 232448, "reservedSharedMemoryPerBlock": 1024,
  "isTccDriver": 0, "supportCoopLaunch": 1})";

std::unique_ptr<cuda::Descriptor> device;  // the device to plan for

}  // namespace

bool plan_for_h100() {
#if CUDNN_VERSION >= 91100
  if (cudnnGetVersion() < 91100) return false;
  if (device) return true;
  auto made = std::make_unique<cuda::Descriptor>(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR);
  const std::string text = kH100;
  D2L_CUDNN(cudnnBackendSetAttribute(made->get(), CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION,
                                     CUDNN_TYPE_CHAR, static_cast<int64_t>(text.size()),
                                     text.data()));
  made->finalize();
  device = std::move(made);
  return true;
#else
  return false;
#endif
}

}  // namespace d2l::test

cudnnStatus_t __wrap_cudnnBackendSetAttribute(  // NOLINT: the linker's name
    cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name,
    cudnnBackendAttributeType_t type, int64_t count, const void* values) {
  if (name == CUDNN_ATTR_OPERATIONGRAPH_HANDLE) return CUDNN_STATUS_SUCCESS;
  cudnnStatus_t status = __real_cudnnBackendSetAttribute(descriptor, name, type, count, values);
#if CUDNN_VERSION >= 91100
  const auto also = [&](cudnnBackendAttributeName_t device_of) {
    void* const device = d2l::test::device->get();
    if (status == CUDNN_STATUS_SUCCESS)
      status = __real_cudnnBackendSetAttribute(descriptor, device_of, CUDNN_TYPE_BACKEND_DESCRIPTOR,
                                               1, &device);
  };
  if (name == CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH) also(CUDNN_ATTR_ENGINEHEUR_DEVICEPROP);
  if (name == CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG) also(CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP);
#endif
  return status;
}
