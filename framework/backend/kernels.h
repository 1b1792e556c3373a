#pragma once

#include "framework/backend/kernels/array_kernels.h"
#include "framework/backend/kernels/convolution_kernels.h"
#include "framework/backend/kernels/normalisation_kernels.h"
#include "framework/backend/kernels/optimizer_kernels.h"
#include "framework/backend/kernels/softmax_kernels.h"

namespace d2l {

// The kernels of a device. They write into outputs that the caller allocates, trust the shapes (the
// caller has checked them once) and take scratch memory from the device's pool. Unless a comment
// says otherwise: elements are f32; outputs do not overlap inputs; the previous content of an
// output is ignored. Where a comment says "activations", these and their gradients may all be bf16,
// or f16 if the device supports it; parameters, their gradients and statistics stay f32. One thread
// queues all kernels; they run in that order.
//
// Each public function reports its cost to the observer, if there is one, and calls the device's
// do_...(). Kernels that a kernel calls are part of its cost.
class Kernels : public ArrayKernels,
                public ConvolutionKernels,
                public NormalisationKernels,
                public SoftmaxKernels,
                public OptimizerKernels {};

}  // namespace d2l
