#pragma once

#include "framework/autograd/variable.h"

namespace d2l {

// Cross-correlation (chapters 6.1 to 6.4): x [n, h, w, c], weight [o, kh, kw, c], bias [o] or
// undefined -> [n, oh, ow, o] with oh = (h + 2 padding - kh) / stride + 1, rounded down.
Variable conv2d(const Variable& x, const Variable& weight, const Variable& bias = {},
                const Conv2dParams& params = {});

// pool2d of conv2d's result, as one operation that a backend may fuse.
Variable conv2d_pool(const Variable& x, const Variable& weight, const Variable& bias,
                     const Conv2dParams& conv, const Pool2dParams& pool);

// Maximum or average of each window (chapter 6.5): x [n, h, w, c] -> [n, oh, ow, c].
Variable pool2d(const Variable& x, const Pool2dParams& params);

}  // namespace d2l
