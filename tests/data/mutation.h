#pragma once

#include <cstdint>
#include <vector>

namespace d2l::data::test {

// Mutation number `round` of `bytes`: flipped bits, set bytes, truncated, extended, or a piece
// moved.
std::vector<uint8_t> mutate(std::vector<uint8_t> bytes, uint64_t round);

}  // namespace d2l::data::test
