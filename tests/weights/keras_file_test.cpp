#include "framework/weights/keras_file.h"

#include <gmock/gmock.h>

#include "tests/weights/keras_support.h"
#include "tests/weights/zip_builder.h"

namespace d2l::weights::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

// Files of the real Keras 3.15 and h5py 3.16, which are also the seeds of the fuzz target. `model`
// is Sequential([Conv2D(2, 2), BatchNormalization(), Flatten(), Dropout(0.5), Dense(2)]) for images
// of 3 x 3 x 1, in which the i-th weight (kernel and bias; gamma, beta, moving_mean,
// moving_variance; kernel and bias) has the values i, i + 1/8, i + 2/8, ...
//   full.h5          model.save()
//   numbered.weights.h5   model.save_weights()
//   listed.h5        keras.src.legacy.saving.legacy_h5_format.save_weights_to_hdf5_group()
//   fixed.h5         the same with the names as bytes of NumPy, and ':0' behind names
//   first.h5         the same with the names of Keras 1, such as conv2d_W_1:0
//   latest.h5        listed.h5 with libver="v110", whose structures have checksums
std::filesystem::path keras_sample(const std::string& name) {
  return source_dir() / "tests/fuzz/seeds/keras" / name;
}

class KerasSamples : public testing::TestWithParam<const char*> {};

TEST_P(KerasSamples, HaveTheirArrays) {
  const auto file = open_weights(keras_sample(GetParam()));
  EXPECT_EQ(file->format(), "Keras");
  EXPECT_EQ(file->layout(), Layout::outputs_last);
  EXPECT_EQ(file->order_fault(), "");
  const std::string convolution = "conv2d/kernel [2, 2, 1, 2] f32; conv2d/bias [2] f32";
  const std::string normalisation =
      "batch_normalization/gamma [2] f32; batch_normalization/beta [2] f32; "
      "batch_normalization/moving_mean [2] f32; batch_normalization/moving_variance [2] f32";
  const std::string matrix = "dense/kernel [8, 2] f32; dense/bias [2] f32";
  const bool is_numbered = std::string(GetParam()).starts_with("numbered");
  EXPECT_EQ(list_of(*file), is_numbered ? normalisation + "; " + convolution + "; " + matrix
                                        : convolution + "; " + normalisation + "; " + matrix);
  // The i-th weight of the model.
  const std::vector<int> order = is_numbered ? std::vector<int>{2, 3, 4, 5, 0, 1, 6, 7}
                                             : std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7};
  for (size_t i = 0; i < order.size(); ++i) {
    std::vector<float> values = file->read(i);
    for (size_t k = 0; k < values.size(); ++k)
      EXPECT_EQ(values[k], static_cast<float>(order[i]) + static_cast<float>(k) / 8) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Files, KerasSamples,
                         testing::Values("full.h5", "numbered.weights.h5", "listed.h5", "fixed.h5",
                                         "first.h5", "latest.h5"),
                         [](const auto& file) {
                           const std::string name = file.param;
                           return name.substr(0, name.find('.'));
                         });

std::vector<float> ones(size_t count) { return std::vector<float>(count, 1.0F); }

class KerasFileTest : public testing::Test {
 protected:
  template <class Write>
  std::unique_ptr<WeightFile> open(const Write& write) {
    std::filesystem::remove(path_);
    {
      const KerasWriter writer(path_);
      write(writer);
    }
    return open_weights(path_);
  }
  template <class Write>
  std::string refusal(const Write& write) {
    std::string message = message_of([&] { open(write); });
    EXPECT_THAT(message, StartsWith(path_.string() + ": "));
    return message;
  }
  std::unique_ptr<WeightFile> open_listed(const std::vector<KerasLayer>& layers,
                                          TextForm form = TextForm::fixed) {
    return open([&](const KerasWriter& writer) { writer.layers(writer.root(), layers, form); });
  }

  TemporaryFolder folder_;
  const std::filesystem::path path_ = folder_.path() / "model.h5";
};

TEST_F(KerasFileTest, ListedLayersKeepTheirOrder) {
  std::vector<KerasLayer> layers;
  for (const char* name : {"z", "input", "a", "m"})
    layers.push_back({name, {{std::string(name) + "/kernel:0", {1}, {2}}}});
  layers[1].values.clear();
  for (const TextForm form : {TextForm::fixed, TextForm::variable})
    EXPECT_EQ(list_of(*open_listed(layers, form)),
              "z/kernel [1] f32; a/kernel [1] f32; m/kernel [1] f32");
}

// More layers than one node of a group's index and one collection of texts have.
TEST_F(KerasFileTest, ManyLayers) {
  std::vector<KerasLayer> layers;
  for (int i = 0; i < 700; ++i) {
    const std::string name = concat("a_layer_with_a_long_name_", (i * 389) % 700);
    layers.push_back({name, {{name + "/kernel:0", {1}, {static_cast<float>(i)}}}});
  }
  for (const TextForm form : {TextForm::fixed, TextForm::variable}) {
    const auto file = open_listed(layers, form);
    ASSERT_EQ(file->weights().size(), layers.size());
    for (size_t i = 0; i < layers.size(); ++i) {
      EXPECT_EQ(file->weights()[i].name, layers[i].name + "/kernel");
      EXPECT_THAT(file->read(i), ElementsAre(static_cast<float>(i)));
    }
  }
}

TEST_F(KerasFileTest, NamesOfWeights) {
  const auto file =
      open_listed({{"conv_1", {{"conv_1_W_1:0", {1}, {1}}, {"conv_1_b:0", {1}, {1}}}},
                   {"fc", {{"model/fc_3/kernel:0", {1}, {1}}, {"model/fc_3/bias", {1}, {1}}}},
                   {"plain", {{"kernel", {1}, {1}}}}});
  EXPECT_EQ(list_of(*file),
            "conv_1/kernel [1] f32; conv_1/bias [1] f32; fc/kernel [1] f32; fc/bias [1] f32; "
            "plain/kernel [1] f32");
  EXPECT_EQ(file->order_fault(), "");
}

TEST_F(KerasFileTest, ListsOfNamesInParts) {
  const auto file = open([](const KerasWriter& writer) {
    for (const char* name : {"a", "b", "c"}) {
      const auto layer = writer.group(writer.root(), name);
      writer.array(layer.id(), {"kernel", {1}, {1}});
      writer.texts(layer.id(), "weight_names0", {"kernel"}, TextForm::fixed);
    }
    writer.texts(writer.root(), "layer_names0", {"b", "c"}, TextForm::fixed);
    writer.texts(writer.root(), "layer_names1", {"a"}, TextForm::fixed);
  });
  EXPECT_EQ(list_of(*file), "b/kernel [1] f32; c/kernel [1] f32; a/kernel [1] f32");
}

TEST_F(KerasFileTest, OrdersThatAreNotKnown) {
  EXPECT_EQ(
      open_listed({{"inner", {{"a/kernel:0", {1}, {1}}, {"b/kernel:0", {1}, {1}}}}})->order_fault(),
      "layer 'inner' is a model with layers of its own");
  EXPECT_EQ(open([](const KerasWriter& writer) {
              writer.layers(writer.root(), {{"a", {{"a/kernel:0", {1}, {1}}}}});
              const auto others = writer.group(writer.root(), "top_level_model_weights");
              writer.texts(others.id(), "weight_names", {"scale:0"}, TextForm::fixed);
            })->order_fault(),
            "it has weights that belong to no layer");
  for (const char* name : {"layers/lstm/vars/0", "layers/functional/layers/dense/vars/0",
                           "layers/batch_normalization/vars/0", "conv1/vars/0", "vars/0"}) {
    const auto file = open([&](const KerasWriter& writer) {
      writer.array(writer.root(), {"layers/dense/vars/0", {1, 1}, {1}});
      writer.array(writer.root(), {name, {1}, {1}});
    });
    EXPECT_THAT(file->order_fault(), StartsWith("it has weights in '")) << name;
  }
}

TEST_F(KerasFileTest, NumberedLayersAreInTheOrderOfTheirNumbers) {
  const auto file = open([](const KerasWriter& writer) {
    for (const int number : {10, 2, 1, 0}) {
      const std::string name = number == 0 ? "layers/dense" : concat("layers/dense_", number);
      writer.array(writer.root(), {name + "/vars/1", {1}, {1}});
      writer.array(writer.root(), {name + "/vars/0", {1, 1}, {static_cast<float>(number)}});
    }
    for (int i = 0; i < 4; ++i)
      writer.array(writer.root(), {concat("layers/batch_normalization_3/vars/", i), {1}, {1}});
    writer.group(writer.root(), "layers/flatten/vars");
    writer.array(writer.root(), {"layers/dropout/seed_generator/vars/0", {2}, ones(2)});
    writer.array(writer.root(), {"optimizer/vars/0", {}, {1}});
  });
  EXPECT_EQ(list_of(*file),
            "batch_normalization_3/gamma [1] f32; batch_normalization_3/beta [1] f32; "
            "batch_normalization_3/moving_mean [1] f32; batch_normalization_3/moving_variance [1] "
            "f32; dense/kernel [1, 1] f32; dense/bias [1] f32; dense_1/kernel [1, 1] f32; "
            "dense_1/bias [1] f32; dense_2/kernel [1, 1] f32; dense_2/bias [1] f32; "
            "dense_10/kernel [1, 1] f32; dense_10/bias [1] f32");
  EXPECT_EQ(file->order_fault(), "");
  EXPECT_THAT(file->read(10), ElementsAre(10.0F));
}

TEST_F(KerasFileTest, ElementTypes) {
  const std::vector<std::pair<hid_t, const char*>> types = {
      {H5T_IEEE_F64LE, "f64"}, {H5T_STD_I64LE, "i64"}, {H5T_STD_I32LE, "i32"},
      {H5T_STD_I16LE, "i16"},  {H5T_STD_I8LE, "i8"},   {H5T_STD_U8LE, "u8"}};
  for (const auto& [type, name] : types) {
    const auto file = open([type = type](const KerasWriter& writer) {
      writer.array(writer.root(), {"layers/dense/vars/0", {1, 2}, {3, 4}}, type);
      writer.array(writer.root(), {"layers/other/vars/0", {}, {5}}, type);
    });
    EXPECT_EQ(list_of(*file),
              concat("dense/kernel [1, 2] ", name, "; layers/other/vars/0 [] ", name));
    EXPECT_THAT(file->read(0), ElementsAre(3, 4));
    EXPECT_THAT(file->read(1), ElementsAre(5));
  }
  // Half precision, which h5py defines in this way.
  const auto half = open([](const KerasWriter& writer) {
    const libhdf5::Handle type(H5Tcopy(H5T_IEEE_F32LE), H5Tclose);
    H5Tset_fields(type.id(), 15, 10, 5, 0, 10);
    H5Tset_size(type.id(), 2);
    H5Tset_ebias(type.id(), 15);
    writer.array(writer.root(), {"layers/dense/vars/0", {1, 2}, {0.5F, -3}}, type.id());
  });
  EXPECT_EQ(list_of(*half), "dense/kernel [1, 2] f16");
  EXPECT_THAT(half->read(0), ElementsAre(0.5F, -3));
  for (const hid_t type : {H5T_IEEE_F32BE, H5T_STD_U32LE, H5T_STD_I32BE})
    EXPECT_THAT(refusal([&](const KerasWriter& writer) {
                  writer.array(writer.root(), {"layers/dense/vars/0", {1, 2}, {3, 4}}, type);
                }),
                HasSubstr("array 'dense/kernel': expected elements of the types f64"));
}

TEST_F(KerasFileTest, ArchivesOfKeras) {
  open_listed({{"a", {{"a/kernel:0", {2}, {1, 2}}}}});
  const FileBytes inside = content_of(path_);
  write_content(path_, zip_bytes({stored_item("metadata.json", std::string("{}")),
                                  stored_item("config.json", std::string("{}")),
                                  stored_item("model.weights.h5", inside)}));
  const auto file = open_weights(path_);
  EXPECT_EQ(list_of(*file), "a/kernel [2] f32");
  EXPECT_THAT(file->read(0), ElementsAre(1, 2));
  write_content(path_, zip_bytes({deflated_item("model.weights.h5", inside)}));
  EXPECT_THAT(
      message_of([&] { open_weights(path_); }),
      HasSubstr("entry 'model.weights.h5' of the ZIP archive is compressed, expected it stored"));
}

TEST_F(KerasFileTest, WrongFiles) {
  EXPECT_THAT(
      refusal([](const KerasWriter& writer) { writer.group(writer.root(), "images"); }),
      HasSubstr("expected the weights of a Keras model (an attribute layer_names, or a group "
                "model_weights or layers), found an HDF5 file with 'images'"));
  EXPECT_THAT(refusal([](const KerasWriter&) {}), HasSubstr("found an HDF5 file with nothing"));
  EXPECT_THAT(refusal([](const KerasWriter& writer) { writer.layers(writer.root(), {{"a"}}); }),
              HasSubstr("expected the weights of a Keras model, found none"));
  const KerasLayer good{"a", {{"a/kernel:0", {1}, {1}}}};
  const auto with = [&](const auto& change) {
    return refusal([&](const KerasWriter& writer) {
      writer.layers(writer.root(), {good});
      change(writer.root(), writer);
    });
  };
  EXPECT_THAT(with([](hid_t root, const KerasWriter&) { H5Ldelete(root, "a", H5P_DEFAULT); }),
              HasSubstr("layer 'a': 'a' is missing"));
  EXPECT_THAT(
      with([](hid_t root, const KerasWriter&) { H5Ldelete(root, "a/a/kernel:0", H5P_DEFAULT); }),
      HasSubstr("layer 'a': 'kernel:0' is missing"));
  EXPECT_THAT(with([](hid_t root, const KerasWriter&) {
                H5Ldelete(root, "a/a/kernel:0", H5P_DEFAULT);
                H5Lcreate_soft("/b", root, "a/a/kernel:0", H5P_DEFAULT, H5P_DEFAULT);
              }),
              HasSubstr("layer 'a': 'kernel:0' is a link to another place or file"));
  EXPECT_THAT(with([](hid_t root, const KerasWriter& writer) {
                H5Adelete(root, "layer_names");
                writer.texts(root, "layer_names", {"a", "a"}, TextForm::variable);
              }),
              HasSubstr("layer 'a' is there twice"));
  EXPECT_THAT(with([](hid_t root, const KerasWriter& writer) {
                H5Adelete(root, "layer_names");
                writer.texts(root, "layer_names", {"a\nb"}, TextForm::variable);
              }),
              HasSubstr("expected names in UTF-8 without control characters, found 'a\\nb'"));
  EXPECT_THAT(with([](hid_t root, const KerasWriter& writer) {
                H5Adelete(root, "layer_names");
                writer.texts(root, "layer_names", {std::string(5000, 'x')}, TextForm::variable);
              }),
              HasSubstr("attribute 'layer_names': expected a text of at most 4096 bytes"));
  EXPECT_THAT(with([](hid_t root, const KerasWriter&) {
                H5Adelete(root, "layer_names");
                libhdf5::write_integer(root, "layer_names", 3);
              }),
              HasSubstr("attribute 'layer_names': expected texts"));
}

TEST_F(KerasFileTest, WrongArrays) {
  const auto with = [&](hid_t properties) {
    return refusal([&](const KerasWriter& writer) {
      writer.array(writer.root(), {"layers/dense/vars/0", {4, 4}, ones(16)}, H5T_IEEE_F32LE,
                   properties);
    });
  };
  const libhdf5::Handle chunked(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  const hsize_t chunk[] = {2, 2};
  H5Pset_chunk(chunked.id(), 2, chunk);
  EXPECT_THAT(with(chunked.id()),
              HasSubstr("array 'layers/dense/vars/0': it is not stored contiguously"));
  const libhdf5::Handle external(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  H5Pset_external(external.id(), "/etc/passwd", 0, 64);
  EXPECT_THAT(with(external.id()), HasSubstr("it is stored in other files"));
  EXPECT_THAT(refusal([](const KerasWriter& writer) {
                writer.array(writer.root(), {"layers/dense/vars/0", {1, 1}, {1}});
                H5Lcreate_hard(writer.root(), "layers", writer.root(), "layers/dense/again",
                               H5P_DEFAULT, H5P_DEFAULT);
              }),
              HasSubstr("'layers/dense/again' is there under two names"));
}

// The HDF5 library searches the names of a group, so that it would not find them.
TEST_F(KerasFileTest, NamesThatAreNotSorted) {
  open_listed({{"aaaa", {{"aaaa/kernel:0", {1}, {1}}}}, {"bbbb", {{"bbbb/kernel:0", {1}, {1}}}}});
  const FileBytes content = content_of(path_);
  std::string changed(content.bytes().begin(), content.bytes().end());
  for (size_t at = changed.find("bbbb"); at != changed.npos; at = changed.find("bbbb"))
    changed.replace(at, 4, "AAAA");
  write_content(path_, changed);
  EXPECT_THAT(message_of([&] { open_weights(path_); }),
              HasSubstr("damaged (a group whose names are not sorted)"));
}

// 50 layers have one array, whose header has 60 KiB.
TEST_F(KerasFileTest, StructuresThatAreSharedAgainAndAgain) {
  EXPECT_THAT(
      refusal([](const KerasWriter& writer) {
        writer.array(writer.root(), {"shared", {1}, {1}});
        {
          const libhdf5::Handle data(H5Dopen2(writer.root(), "shared", H5P_DEFAULT), H5Dclose);
          writer.texts(data.id(), "long", {std::string(60 << 10, 'x')}, TextForm::fixed);
        }
        std::vector<std::string> names;
        for (int i = 0; i < 50; ++i) {
          names.push_back(concat("layer_", i));
          const auto layer = writer.group(writer.root(), names.back());
          H5Lcreate_hard(writer.root(), "shared", layer.id(), "kernel", H5P_DEFAULT, H5P_DEFAULT);
          writer.texts(layer.id(), "weight_names", {"kernel"}, TextForm::fixed);
        }
        writer.texts(writer.root(), "layer_names", names, TextForm::fixed);
      }),
      HasSubstr("its layers share the same bytes of the file"));
}

TEST_F(KerasFileTest, TruncatedFiles) {
  open_listed({{"a", {{"a/kernel:0", {2}, {1, 2}}}}}, TextForm::variable);
  const FileBytes whole = content_of(path_);
  for (size_t size = 8; size < whole.size(); size += 61) {
    write_content(path_, whole.cut(size));
    EXPECT_THAT(message_of([&] { open_weights(path_); }), StartsWith(path_.string() + ": "))
        << size;
  }
}

// One byte after the other gets another value. The library would search the changed names.
TEST_F(KerasFileTest, DamagedFilesAreReadOrRefused) {
  open_listed({{"b", {{"b/kernel:0", {2}, {1, 2}}}}, {"a", {{"a/kernel:0", {2}, {3, 4}}}}},
              TextForm::variable);
  const FileBytes whole = content_of(path_);
  int refused = 0;
  for (size_t at = 8; at < whole.size(); ++at) {
    std::string changed(whole.bytes().begin(), whole.bytes().end());
    changed[at] = static_cast<char>(changed[at] ^ 0x41);
    write_content(path_, changed);
    try {
      const auto file = open_weights(path_);
      for (size_t i = 0; i < file->weights().size(); ++i) file->read(i);
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 200);
}

}  // namespace
}  // namespace d2l::weights::test
