#include "framework/comm/rank_group.h"

#include <mpi.h>

#include <climits>
#include <exception>
#include <utility>

#include "framework/base/error.h"
#include "framework/base/text.h"
#include "framework/comm/mpi_check.h"
#include "framework/comm/mpi_communicator.h"
#include "framework/comm/rank_handle.h"

namespace d2l {

Gathered gather_bytes(const void* mine, size_t length, MPI_Comm comm) {
  int size = 0, own = static_cast<int>(length), sum = 0;
  mpi_check(MPI_Comm_size(comm, &size), "MPI_Comm_size");
  Gathered all{.bytes = {}, .lengths = std::vector<int>(static_cast<size_t>(size))};
  mpi_check(MPI_Allgather(&own, 1, MPI_INT, all.lengths.data(), 1, MPI_INT, comm), "MPI_Allgather");
  std::vector<int> begins;
  for (const int count : all.lengths) {
    begins.push_back(sum);
    sum += count;
  }
  all.bytes.resize(static_cast<size_t>(sum));
  mpi_check(MPI_Allgatherv(mine, own, MPI_BYTE, all.bytes.data(), all.lengths.data(), begins.data(),
                           MPI_BYTE, comm),
            "MPI_Allgatherv");
  return all;
}

MPI_Comm ranks_of_host(MPI_Comm comm) {
  int rank = 0;
  mpi_check(MPI_Comm_rank(comm, &rank), "MPI_Comm_rank");
  MPI_Comm same_host = MPI_COMM_NULL;
  mpi_check(MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, rank, MPI_INFO_NULL, &same_host),
            "MPI_Comm_split_type");
  return same_host;
}

namespace {

// How many hosts the ranks of `comm` are on.
int count_hosts(MPI_Comm comm) {
  MPI_Comm same_host = ranks_of_host(comm);
  int local_rank = 0;
  mpi_check(MPI_Comm_rank(same_host, &local_rank), "MPI_Comm_rank");
  mpi_check(MPI_Comm_free(&same_host), "MPI_Comm_free");
  int hosts = local_rank == 0 ? 1 : 0;
  mpi_check(MPI_Allreduce(MPI_IN_PLACE, &hosts, 1, MPI_INT, MPI_SUM, comm), "MPI_Allreduce");
  return hosts;
}

}  // namespace

RankGroup::~RankGroup() {
  if (!handle_ || handle_->comm == MPI_COMM_WORLD || std::uncaught_exceptions() > 0) return;
  MPI_Comm comm = handle_->comm;
  MPI_Comm_free(&comm);
}

void RankGroup::set_ranks(std::shared_ptr<const Handle> handle) {
  handle_ = std::move(handle);
  mpi_check(MPI_Comm_rank(handle_->comm, &rank_), "MPI_Comm_rank");
  mpi_check(MPI_Comm_size(handle_->comm, &size_), "MPI_Comm_size");
  mpi_check(MPI_Comm_rank(MPI_COMM_WORLD, &first_rank_), "MPI_Comm_rank");
  mpi_check(MPI_Bcast(&first_rank_, 1, MPI_INT, 0, handle_->comm), "MPI_Bcast");
}

std::vector<std::string> RankGroup::gather(const std::string& mine) const {
  if (size_ == 1) return {mine};
  const Gathered all = gather_bytes(mine.data(), mine.size(), handle_->comm);
  std::vector<std::string> texts;
  auto begin = all.bytes.begin();
  for (const int length : all.lengths) {
    texts.emplace_back(begin, begin + length);
    begin += length;
  }
  return texts;
}

void RankGroup::collect(const std::string& mine,
                        const std::function<void(const std::string&)>& use) const {
  constexpr int kTag = 1;
  check(mine.size() <= INT_MAX, "collect: expects at most 2 GiB from each rank, found ",
        human_bytes(mine.size()));
  if (rank_ > 0)
    return mpi_check(
        MPI_Send(mine.data(), static_cast<int>(mine.size()), MPI_BYTE, 0, kTag, handle_->comm),
        "MPI_Send");
  use(mine);
  for (int rank = 1; rank < size_; ++rank) {
    MPI_Status status;
    int bytes = 0;
    mpi_check(MPI_Probe(rank, kTag, handle_->comm, &status), "MPI_Probe");
    mpi_check(MPI_Get_count(&status, MPI_BYTE, &bytes), "MPI_Get_count");
    std::string text(static_cast<size_t>(bytes), '\0');
    mpi_check(MPI_Recv(text.data(), bytes, MPI_BYTE, rank, kTag, handle_->comm, MPI_STATUS_IGNORE),
              "MPI_Recv");
    use(text);
  }
}

std::unique_ptr<Communicator> RankGroup::communicator() const {
  if (size_ == 1) return make_self_communicator();
  const int hosts = count_hosts(handle_->comm);
  MpiCommunicator::Options options;
  options.description =
      concat("MPI, ", size_, " ranks on ", hosts, hosts == 1 ? " host" : " hosts");
  // Through one host's memory a megabyte takes about as long as waking a thread a few times; over
  // a network there is always something to hide.
  options.caller_bytes = hosts == 1 ? 1 << 20 : 0;
  options.broken = broken_;
  options.peers = peers_;
  options.trace = trace_;
  return std::make_unique<MpiCommunicator>(handle_->comm, std::move(options));
}

std::unique_ptr<RankGroup> RankGroup::split(int number) const {
  MPI_Comm part = MPI_COMM_NULL;
  mpi_check(MPI_Comm_split(handle_->comm, number, rank_, &part), "MPI_Comm_split");
  std::unique_ptr<RankGroup> group(new RankGroup);
  group->host_ = host_;
  group->broken_ = broken_;
  group->peers_ = peers_;
  group->trace_ = trace_;
  group->set_ranks(std::make_shared<const Handle>(Handle{part}));
  return group;
}

}  // namespace d2l
