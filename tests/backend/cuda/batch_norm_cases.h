#pragma once

#include "tests/backend/cuda/compare.h"

namespace d2l::test {

// Channels that make whole packs and that do not, few and many, and more than a block spans.
inline const std::vector<Shape> kNormShapes = {
    {5, 9, 9, 6},  {3, 10, 10, 16}, {85, 120}, {7, 1},   {1, 8},    {3, 3},   {700, 12},
    {3, 5, 7, 20}, {40, 33},        {61, 10},  {9, 512}, {2, 2048}, {5, 300}, {2, 9, 9, 64}};

}  // namespace d2l::test
