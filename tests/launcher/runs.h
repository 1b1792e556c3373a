#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/program.h"

namespace d2l::test {

using Words = std::vector<std::string>;

// The command line of d2l-train on made-up images with one thread per rank; 0 ranks: without
// mpirun.
Words train_command(int ranks, const Words& options);
// Runs it to its end.
ProgramResult train(int ranks, const Words& options);

// A column, from 0, of the run's metrics.csv where it is not empty.
std::vector<double> column(const std::filesystem::path& run, int number);
// The loss of each logged step.
std::vector<double> losses(const std::filesystem::path& run);

}  // namespace d2l::test
