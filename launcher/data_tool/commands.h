#pragma once

#include "launcher/data_tool/arguments.h"

// The commands of d2l-data. Each gets the words after its name, and prints its result on standard
// output. All throw UsageError for wrong words and Error for a failure.
namespace d2l::data_tool {

// Packs images into shards, or a table, on all processes of an MPI job. Returns the exit code: it
// prints its errors itself, because only one process of a job may do that.
int pack(const Words& words, int argc, char** argv);

void bench(const Words& words);
void fetch(const Words& words);
void info(const Words& words);
void verify(const Words& words);
void show(const Words& words);
void stats(const Words& words);

}  // namespace d2l::data_tool
