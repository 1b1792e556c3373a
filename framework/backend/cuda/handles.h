#pragma once

#include <memory>
#include <type_traits>

#include "framework/backend/cuda/vendor_check.h"

// RAII owners of the vendor libraries' handles.

namespace d2l::cuda {

template <auto destroy>
struct Destroy {
  template <class T>
  void operator()(T* handle) const {
    destroy(handle);
  }
};
template <class Handle, auto destroy>
using Owned = std::unique_ptr<std::remove_pointer_t<Handle>, Destroy<destroy>>;

using Event = Owned<cudaEvent_t, cudaEventDestroy>;
using CudnnHandle = Owned<cudnnHandle_t, cudnnDestroy>;
using CudnnDescriptor = Owned<cudnnBackendDescriptor_t, cudnnBackendDestroyDescriptor>;
using CublasHandle = Owned<cublasLtHandle_t, cublasLtDestroy>;
using CublasProduct = Owned<cublasLtMatmulDesc_t, cublasLtMatmulDescDestroy>;
using CublasLayout = Owned<cublasLtMatrixLayout_t, cublasLtMatrixLayoutDestroy>;
using CublasPreference = Owned<cublasLtMatmulPreference_t, cublasLtMatmulPreferenceDestroy>;

}  // namespace d2l::cuda
