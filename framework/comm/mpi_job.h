#pragma once

#include <mpi.h>

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "framework/backend/view.h"
#include "framework/comm/exchange_plan.h"

namespace d2l {

enum class JobProgress { none, some, finished };

// Something between all ranks that goes on a little whenever it is asked, and never blocks.
class MpiJob {
 public:
  virtual ~MpiJob() = default;
  // The first call starts it. Throws Error when MPI fails. Not called again once finished.
  virtual JobProgress advance() = 0;
  virtual std::string describe() const = 0;  // "all_reduce of 262,144 f32"
};

// Receive buffers of one size that are kept, since fresh memory costs a page fault every 4 KiB.
class ScratchPool {
 public:
  explicit ScratchPool(size_t bytes) : bytes_(bytes) {}
  std::unique_ptr<std::byte[]> take();
  void give_back(std::unique_ptr<std::byte[]> buffer) { free_.push_back(std::move(buffer)); }

 private:
  size_t bytes_;
  std::vector<std::unique_ptr<std::byte[]>> free_;
};

// Where a piece of an all-reduce finds what it shares with the others.
struct PieceContext {
  MPI_Comm comm = MPI_COMM_NULL;
  int rank = 0, size = 1;
  int tag = 0;                     // tells the pieces that are under way apart
  ScratchPool* scratch = nullptr;  // its buffers hold a whole piece
};

// One piece of an all-reduce, by the exchanges of plan_all_reduce().
class PieceJob final : public MpiJob {
 public:
  PieceJob(const PieceContext& context, View piece);
  JobProgress advance() override;
  std::string describe() const override;

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

// One of MPI's own non-blocking collectives; start() fills the request.
class CollectiveJob final : public MpiJob {
 public:
  CollectiveJob(std::string description, std::function<void(MPI_Request*)> start)
      : description_(std::move(description)), start_(std::move(start)) {}
  JobProgress advance() override;
  std::string describe() const override { return description_; }

 private:
  std::string description_;
  std::function<void(MPI_Request*)> start_;
  MPI_Request request_ = MPI_REQUEST_NULL;
  bool started_ = false;
};

}  // namespace d2l
