#pragma once

#include <filesystem>
#include <memory>

#include "framework/weights/weight_file.h"
#include "framework/weights/zip_file.h"

namespace d2l::weights {

// What torch.save() writes: a ZIP archive (since PyTorch 1.6) or the older file of pickles; a
// dictionary of tensors, also nested. Numbers and strings in it become texts(). The pickle is
// interpreted by a parser that knows dictionaries, lists, numbers, strings and tensors, and that
// calls nothing. A few objects that training scripts store beside the weights, such as an
// argparse.Namespace, are skipped with all that they contain (pickle_names.cpp lists their
// classes); if there is such an object but no tensor outside of them, this is an Error. Any other
// class or function is an Error that names the opcode and it. TorchScript archives and whole
// pickled modules are an Error that says how to save the state_dict instead. A tensor that has a
// whole entry of the archive is verified by the entry's checksum; parts of entries and the older
// files have none.
std::unique_ptr<WeightFile> open_torch_zip(std::unique_ptr<const ZipFile> zip);
std::unique_ptr<WeightFile> open_torch_legacy(const std::filesystem::path& path);

}  // namespace d2l::weights
