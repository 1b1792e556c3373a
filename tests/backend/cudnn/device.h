#pragma once

namespace d2l::test {

// From now on graphs, heuristics and plans are those of an H100 that need not be there, and take no
// handle. False when this cuDNN cannot do that.
bool plan_for_h100();

}  // namespace d2l::test
