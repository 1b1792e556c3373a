#include "models/average_pool.h"

namespace d2l::models {
namespace {

// "223 to 254": the image sides for which the convolutions' output has side `left`.
std::string sides_that_leave(const Grid& grid, int64_t left) {
  int64_t first = 1;
  while (grid.output_side(first) < left) ++first;
  int64_t last = first;
  while (grid.output_side(last + 1) == left) ++last;
  return concat(first, " to ", last);
}

}  // namespace

void append_average_pool(const Grid& grid, const Shape& input, nn::Sequential& net) {
  const Extent left{grid.output_side(input[0]), grid.output_side(input[1])};
  check(left.height > 0 && left.height % grid.side == 0 && left.width > 0 &&
            left.width % grid.side == 0,
        grid.model, ": expected an input with sides of ", sides_that_leave(grid, grid.side), ", ",
        sides_that_leave(grid, 2 * grid.side), " and so on, found ", input);
  const Extent window{left.height / grid.side, left.width / grid.side};
  if (window == Extent{1, 1}) return;
  net.then_named<nn::Pool2d>(
      "avgpool", Pool2dParams{.kind = Pooling::average, .window = window, .stride = window});
}

}  // namespace d2l::models
