#pragma once

namespace d2l {

// How many cores this process may run on: its affinity mask, not the machine's size.
int available_cores();

}  // namespace d2l
