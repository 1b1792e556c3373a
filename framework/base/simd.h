#pragma once

// Compiles a loop for several generations of x86 and selects one when the program starts. Put it on
// the function that contains the loop, not on a function that starts threads.
#if defined(__x86_64__) && !defined(D2L_SANITIZE)
#define D2L_SIMD __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define D2L_SIMD
#endif
