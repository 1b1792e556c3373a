#pragma once

#include <memory>

#include "framework/backend/backend.h"

// GPUs, which need libraries and a driver that many machines lack: all that touches them is one
// module, libd2l_cuda.so, that is loaded when the first GPU is asked for. $D2L_CUDA_MODULE names
// another file.

namespace d2l {

struct CudaOptions {
  int device = 0;     // among those that the driver shows
  bool tf32 = false;  // products of f32 numbers on their upper 19 bits, several times as fast
  bool deterministic = false;  // only kernels that add in a fixed order
};

// How many GPUs this machine has and this program can use: 0 without the module, a driver or a GPU.
int count_cuda_devices();
// One sentence: which of the three is missing. Only when there are none.
std::string why_no_cuda();
// Whether it is a surprise when there are none: somebody has named a module, or NVIDIA's driver
// runs.
bool expects_cuda();
// "0000:65:00.0": which one it is on its host, whatever number it goes by.
std::string cuda_device_address(int device);
// Throws Error: that sentence, or that there is no such device.
std::unique_ptr<Backend> make_cuda_backend(const CudaOptions& options);

// A function of the module, by its name; throws Error when the module cannot be loaded. For those
// who have something of their own in it.
void* cuda_module_function(const char* name);

}  // namespace d2l
