#pragma once

#include <mpi.h>

#include <vector>

#include "framework/comm/rank_group.h"

namespace d2l {

// What a RankGroup is to MPI.
struct RankGroup::Handle {
  MPI_Comm comm = MPI_COMM_NULL;
};

// Each rank's bytes, rank after rank, and their lengths in bytes.
struct Gathered {
  std::vector<char> bytes;
  std::vector<int> lengths;
};

Gathered gather_bytes(const void* mine, size_t length, MPI_Comm comm);

// The ranks of `comm` that are on this rank's host. Free it with MPI_Comm_free().
MPI_Comm ranks_of_host(MPI_Comm comm);

}  // namespace d2l
