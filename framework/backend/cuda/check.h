#pragma once

#include <cuda_runtime.h>

#include "framework/base/error.h"

namespace d2l::cuda {

// Throws Error "call: message of the CUDA runtime (file:line)" unless `result` is success.
void check_call(cudaError_t result, const char* call, const char* file, int line);

}  // namespace d2l::cuda

// D2L_CUDA(cudaStreamSynchronize(stream)) calls the CUDA runtime and throws Error on failure.
#define D2L_CUDA(call) ::d2l::cuda::check_call((call), #call, __FILE__, __LINE__)
