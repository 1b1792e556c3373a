#pragma once

#include <iostream>

namespace d2l {

// Prints values with spaces between them, and ends the line.
template <class First, class... More>
void print(const First& first, const More&... more) {
  std::cout << first;
  ((std::cout << ' ' << more), ...);
  std::cout << '\n';
}

}  // namespace d2l
