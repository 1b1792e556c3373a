#pragma once

#include <mpi.h>

#include <string>

#include "framework/base/error.h"

namespace d2l {

// Throws Error when an MPI call did not succeed: "MPI_Isend: MPI_ERR_TRUNCATE: message truncated".
inline void mpi_check(int code, const char* call) {
  if (code == MPI_SUCCESS) [[likely]]
    return;
  char text[MPI_MAX_ERROR_STRING];
  int length = 0;
  if (MPI_Error_string(code, text, &length) != MPI_SUCCESS) length = 0;
  fail(call, ": ", length > 0 ? std::string(text, static_cast<size_t>(length)) : "unknown error");
}

}  // namespace d2l
