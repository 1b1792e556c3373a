#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/program.h"

namespace d2l::test {

using Words = std::vector<std::string>;
Words operator+(Words words, const Words& more);

// The command line of d2l-train on synthetic images with one thread per rank; 0 ranks: without
// mpirun.
Words train_command(int ranks, const Words& options);
// Runs it and waits for its end.
ProgramResult train(int ranks, const Words& options);

// The values of a column (from 0) of the run's metrics.csv, without empty ones.
std::vector<double> column(const std::filesystem::path& run, int number);
// The loss of each logged step.
std::vector<double> losses(const std::filesystem::path& run);

}  // namespace d2l::test
