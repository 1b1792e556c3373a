#pragma once

// Marks functions that both the host's compiler and nvcc's device pass compile.
#ifdef __CUDACC__
#define D2L_HOST_DEVICE __host__ __device__
#else
#define D2L_HOST_DEVICE
#endif
