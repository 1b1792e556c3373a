#pragma once

#include <cublasLt.h>
#include <cudnn.h>

#include "framework/backend/cuda/check.h"

namespace d2l::cuda {

// Throw Error "call: message of the library (file:line)" unless `result` is success.
void check_cudnn(cudnnStatus_t result, const char* call, const char* file, int line);
void check_cublas(cublasStatus_t result, const char* call, const char* file, int line);

}  // namespace d2l::cuda

// Call a vendor library and throw Error on failure.
#define D2L_CUDNN(call) ::d2l::cuda::check_cudnn((call), #call, __FILE__, __LINE__)
#define D2L_CUBLAS(call) ::d2l::cuda::check_cublas((call), #call, __FILE__, __LINE__)
