#pragma once

#include <filesystem>
#include <string>

#include "framework/base/error.h"
#include "framework/base/files.h"

namespace d2l::test {

// The files of a run, as d2l-train writes them.

inline const std::string kMetricsHeader =
    "step,epoch,samples,loss,lr,examples_per_s,data_wait_s,comm_wait_s,test_loss,test_accuracy,"
    "run\n";

inline std::string job_line(int ranks) {
  return concat("2026-11-29 10:00:00 lenet, 61,706 parameters; fashion-mnist, 10,000 + 2,000 ",
                "samples; MPI, ", ranks,
                " ranks on 1 host; 1 thread (2 cores for 2 ranks); CPU, AVX-512, oneDNN 2.6.3\n");
}

// Of a run with two training lines and two evaluations, which was resumed after step 10.
inline void write_run(const std::filesystem::path& folder, const std::string& more_options = "") {
  std::filesystem::create_directories(folder);
  write_text_file(folder / "config.ini",
                  "recipe = lenet\nmodel = lenet\nepochs = 2\n" + more_options);
  write_text_file(folder / "metrics.csv", kMetricsHeader +
                                              "10,0,1000,2.5,0.5,100,1,2,,,c0ffee\n"
                                              "10,0,1000,,,,,,2.25,0.75,c0ffee\n"
                                              "20,1,2000,1.5,0.25,200,1,2,,,c0ffee\n"
                                              "20,1,2000,,,,,,2,0.5,c0ffee\n");
  write_text_file(
      folder / "log.txt",
      job_line(2) +
          "2026-11-29 10:00:01 warning: slow\n"
          "2026-11-29 10:00:09 step 10: loss 2.500, 100 examples/s, waited 1.000 s for data, 2.000 "
          "s for other ranks\n"
          "2026-11-29 10:00:10 epoch 1/2: loss 2.500, train acc 0.700, test acc 0.750\n"
          "2026-11-29 10:00:10 saved the checkpoint of step 10, the best so far\n"
          "2026-11-29 10:00:11 error: ended by SIGTERM\n" +
          job_line(4) +
          "2026-11-29 10:00:00 continuing after step 10 from runs/a/checkpoints/step-00000010.h5\n"
          "2026-11-29 10:00:04 epoch 2/2: loss 1.500, train acc 0.700, test acc 0.500\n"
          "2026-11-29 10:00:05 run folder runs/a, checkpoint "
          "runs/a/checkpoints/step-00000020.h5\n");
}

}  // namespace d2l::test
