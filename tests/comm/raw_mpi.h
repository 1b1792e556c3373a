#pragma once

#include <mpi.h>

#include <cstring>
#include <vector>

#include "framework/base/rng.h"
#include "framework/comm/communicator.h"

namespace d2l::test {

template <class T>
MPI_Datatype mpi_type() {
  if constexpr (std::is_same_v<T, float>) return MPI_FLOAT;
  if constexpr (std::is_same_v<T, double>) return MPI_DOUBLE;
  if constexpr (std::is_same_v<T, int64_t>) return MPI_INT64_T;
  if constexpr (std::is_same_v<T, int32_t>) return MPI_INT32_T;
  if constexpr (std::is_same_v<T, uint8_t>) return MPI_UINT8_T;
}

template <class T>
View view(std::vector<T>& values) {
  return {values.data(), dtype_of<T>(), {static_cast<int64_t>(values.size())}};
}

// Values of this rank: integers, whose sums are exact in every type and order.
template <class T>
std::vector<T> whole_numbers(int rank, uint64_t stream, int64_t count) {
  std::vector<T> values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<T>(random_word({static_cast<uint64_t>(rank) + 1, stream}, i) % 200);
  return values;
}

// Fractions, whose sums depend on the order.
template <class T>
std::vector<T> fractions(int rank, uint64_t stream, int64_t count) {
  std::vector<T> values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] =
        static_cast<T>(to_unit(random_word({static_cast<uint64_t>(rank) + 1, stream}, i)) - 0.4f);
  return values;
}

// The result of MPI itself for the same values.
template <class T>
std::vector<T> raw_all_reduce(std::vector<T> values) {
  MPI_Allreduce(MPI_IN_PLACE, values.data(), static_cast<int>(values.size()), mpi_type<T>(),
                MPI_SUM, MPI_COMM_WORLD);
  return values;
}

template <class T>
uint64_t hash_of(const std::vector<T>& values) {
  return stream_of({reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)});
}

// Whether every rank has the same bits.
template <class T>
bool same_everywhere(const std::vector<T>& values) {
  uint64_t mine = hash_of(values), least = 0, most = 0;
  MPI_Allreduce(&mine, &least, 1, MPI_UINT64_T, MPI_MIN, MPI_COMM_WORLD);
  MPI_Allreduce(&mine, &most, 1, MPI_UINT64_T, MPI_MAX, MPI_COMM_WORLD);
  return least == most;
}

}  // namespace d2l::test
