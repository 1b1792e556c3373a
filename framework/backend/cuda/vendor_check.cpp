#include "framework/backend/cuda/vendor_check.h"

namespace d2l::cuda {

void check_cudnn(cudnnStatus_t result, const char* call, const char* file, int line) {
  if (result == CUDNN_STATUS_SUCCESS) return;
  char reason[512] = "";
  cudnnGetLastErrorString(reason, sizeof reason);
  fail(call, ": ", cudnnGetErrorString(result), reason[0] == '\0' ? "" : ", ", reason, " (", file,
       ":", line, ")");
}

void check_cublas(cublasStatus_t result, const char* call, const char* file, int line) {
  if (result != CUBLAS_STATUS_SUCCESS)
    fail(call, ": ", cublasLtGetStatusString(result), " (", file, ":", line, ")");
}

}  // namespace d2l::cuda
