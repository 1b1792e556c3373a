#pragma once

namespace d2l::test {

// From now on graphs, heuristics and plans are made for an H100 that need not exist, and need no
// handle. False if this cuDNN does not support that.
bool plan_for_h100();

}  // namespace d2l::test
