#include "framework/backend/cpu/dnnl_pieces.h"

#include <algorithm>
#include <exception>
#include <mutex>

#include "framework/backend/cpu/per_thread.h"

namespace d2l::cpu {

std::vector<PieceOfItems> pieces_of(const DnnlState& state, int64_t items,
                                    const PieceSizes& sizes) {
  if (!state.computes_pieces()) return {{0, items}};
  const int64_t even = (items + sizes.most - 1) / sizes.most;
  const int64_t least = std::max({even, sizes.fewest, int64_t{1}});
  const int64_t size = (least + sizes.grain - 1) / sizes.grain * sizes.grain;
  std::vector<PieceOfItems> pieces;
  for (int64_t begin = 0; begin < items; begin += size)
    pieces.push_back({begin, std::min(items, begin + size)});
  return pieces;
}

void run_pieces(DnnlState& state, const std::vector<DnnlWork>& works) {
  if (!state.computes_pieces()) {
    for (const DnnlWork& work : works) work.primitive->run(state.stream, state.pool, work.pointers);
    return;
  }
  size_t bytes = 0;
  for (const DnnlWork& work : works) bytes = std::max(bytes, work.primitive->workspace_bytes());
  PerThread<char> workspaces(state.pool, static_cast<int64_t>(bytes));
  std::mutex mutex;
  std::exception_ptr error;  // threads of a team must not throw
  parallel_for(std::ssize(works), 1, [&](int64_t begin, int64_t) {
    const TeamOfOne alone;
    const DnnlWork& work = works[static_cast<size_t>(begin)];
    try {
      work.primitive->run_alone(state.stream, workspaces.mine(), work.pointers);
    } catch (...) {
      const std::lock_guard lock(mutex);
      error = std::current_exception();
    }
  });
  if (error) std::rethrow_exception(error);
}

}  // namespace d2l::cpu
