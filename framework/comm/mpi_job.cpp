#include "framework/comm/mpi_job.h"

#include "framework/comm/mpi_check.h"
#include "framework/comm/sum.h"

namespace d2l {

namespace {

int byte_count(Range range, DType dtype) {
  return static_cast<int>(range.elements() * static_cast<int64_t>(size_of(dtype)));
}

std::vector<Exchange> plan_of(Collective::Kind kind, const PieceContext& context,
                              const View& piece) {
  const int rank = context.rank, size = context.size;
  const int64_t elements = piece.elements();
  if (kind == Collective::Kind::reduce_scatter) return plan_reduce_scatter(rank, size, elements);
  if (kind == Collective::Kind::gather_parts) return plan_gather_parts(rank, size, elements);
  return plan_all_reduce(rank, size, elements,
                         PieceRules::kWholeBytes / static_cast<int64_t>(size_of(piece.dtype)));
}

}  // namespace

std::unique_ptr<std::byte[]> ScratchPool::take() {
  if (free_.empty()) return std::make_unique_for_overwrite<std::byte[]>(bytes_);
  std::unique_ptr<std::byte[]> buffer = std::move(free_.back());
  free_.pop_back();
  return buffer;
}

PieceJob::PieceJob(const Collective& op, View piece, const PieceContext& context)
    : MpiJob(op), context_(context), piece_(piece), plan_(plan_of(op.kind, context, piece)) {}

JobProgress PieceJob::advance() {
  JobProgress progress = JobProgress::none;
  while (next_ < plan_.size()) {
    if (!posted_) post();
    int done = 0;
    mpi_check(MPI_Testall(2, requests_.data(), &done, MPI_STATUSES_IGNORE), "MPI_Testall");
    if (!done) return progress;
    if (plan_[next_].add) add_received();
    posted_ = false;
    ++next_;
    progress = JobProgress::some;
  }
  if (received_) context_.scratch->give_back(std::move(received_));
  return JobProgress::finished;
}

void* PieceJob::at(int64_t element) const {
  return piece_.as<std::byte>() + element * static_cast<int64_t>(size_of(piece_.dtype));
}

void PieceJob::post() {
  const Exchange& step = plan_[next_];
  if (step.receive.elements() > 0) {
    if (step.add && !received_) received_ = context_.scratch->take();
    void* into = step.add ? received_.get() : at(step.receive.begin);
    mpi_check(MPI_Irecv(into, byte_count(step.receive, piece_.dtype), MPI_BYTE, step.partner,
                        context_.tag, context_.comm, &requests_[0]),
              "MPI_Irecv");
  }
  if (step.send.elements() > 0)
    mpi_check(MPI_Isend(at(step.send.begin), byte_count(step.send, piece_.dtype), MPI_BYTE,
                        step.partner, context_.tag, context_.comm, &requests_[1]),
              "MPI_Isend");
  posted_ = true;
}

void PieceJob::add_received() {
  const Exchange& step = plan_[next_];
  if (step.receive.elements() == 0) return;
  void* mine = at(step.receive.begin);
  const bool theirs_first = step.partner < context_.rank;
  add_elements(piece_.dtype, mine, theirs_first ? received_.get() : mine,
               theirs_first ? mine : received_.get(), step.receive.elements());
}

JobProgress CollectiveJob::advance() {
  if (!started_) start_(&request_);
  started_ = true;
  int done = 0;
  mpi_check(MPI_Test(&request_, &done, MPI_STATUS_IGNORE), "MPI_Test");
  return done ? JobProgress::finished : JobProgress::none;
}

}  // namespace d2l
