#pragma once

#include <mpi.h>

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "framework/comm/collective.h"
#include "framework/comm/exchange_plan.h"

namespace d2l {

enum class JobProgress { none, some, finished };

// A part of an operation between all ranks. It advances a little with each call and never blocks.
class MpiJob {
 public:
  explicit MpiJob(const Collective& op) : op_(op) {}
  virtual ~MpiJob() = default;
  const Collective& operation() const { return op_; }
  // The first call starts the job; after `finished` none follows. Throws Error when MPI fails.
  virtual JobProgress advance() = 0;

 private:
  Collective op_;
};

// Receive buffers of one size, kept for reuse: new memory costs a page fault for every 4 KiB.
class ScratchPool {
 public:
  explicit ScratchPool(size_t bytes) : bytes_(bytes) {}
  std::unique_ptr<std::byte[]> take();
  void give_back(std::unique_ptr<std::byte[]> buffer) { free_.push_back(std::move(buffer)); }

 private:
  size_t bytes_;
  std::vector<std::unique_ptr<std::byte[]>> free_;
};

// What pieces have in common, except for the tag.
struct PieceContext {
  MPI_Comm comm = MPI_COMM_NULL;
  int rank = 0, size = 1;
  int tag = 0;                     // no other piece that is under way has it
  ScratchPool* scratch = nullptr;  // each of its buffers can hold a whole piece
};

// One piece of an all-reduce, reduce-scatter or gathering of parts: the exchanges of its plan, one
// after the other.
class PieceJob final : public MpiJob {
 public:
  PieceJob(const Collective& op, View piece, const PieceContext& context);
  JobProgress advance() override;

 private:
  void* at(int64_t element) const;
  void post();
  void add_received();

  PieceContext context_;
  View piece_;
  std::vector<Exchange> plan_;
  size_t next_ = 0;
  bool posted_ = false;
  std::array<MPI_Request, 2> requests_{MPI_REQUEST_NULL, MPI_REQUEST_NULL};
  std::unique_ptr<std::byte[]> received_;
};

// One of MPI's own non-blocking collectives; `start` calls it.
class CollectiveJob final : public MpiJob {
 public:
  CollectiveJob(const Collective& op, std::function<void(MPI_Request*)> start)
      : MpiJob(op), start_(std::move(start)) {}
  JobProgress advance() override;

 private:
  std::function<void(MPI_Request*)> start_;
  MPI_Request request_ = MPI_REQUEST_NULL;
  bool started_ = false;
};

}  // namespace d2l
