#include "models/zoo.h"

#include "framework/base/text.h"
#include "models/builders.h"

namespace d2l::models {
namespace {

// The input and classes that a network was published for.
struct Usual {
  int64_t side, channels, classes;
};
constexpr Usual kGrey{28, 1, 10}, kGrey96{96, 1, 10}, kGrey224{224, 1, 10}, kSmall{32, 3, 10},
    kImageNet{224, 3, 1000};

enum class Width { fixed, any };

struct Entry {
  const char* name;
  std::unique_ptr<nn::Module> (*build)(const ModelOptions&);
  Usual usual = kGrey;
  Width width = Width::fixed;
  bool takes_rows = false;  // of tables
};

template <auto build, int depth>
std::unique_ptr<nn::Module> deep(const ModelOptions& options) {
  return build(options, depth);
}

constexpr Entry kModels[] = {
    {"linear", linear_model, kGrey, Width::fixed, true},
    {"softmax-regression", linear_model, kGrey, Width::fixed, true},
    {"mlp", mlp, kGrey, Width::fixed, true},
    {"dropout-mlp", dropout_mlp, kGrey, Width::fixed, true},
    {"lenet", lenet},
    {"bn-lenet", bn_lenet},
    {"alexnet", alexnet, kGrey224, Width::any},
    {"vgg11", deep<vgg, 11>, kGrey224, Width::any},
    {"vgg13", deep<vgg, 13>, kGrey224, Width::any},
    {"vgg16", deep<vgg, 16>, kGrey224, Width::any},
    {"vgg19", deep<vgg, 19>, kGrey224, Width::any},
    {"vgg11-bn", deep<vgg_bn, 11>, kGrey224, Width::any},
    {"vgg13-bn", deep<vgg_bn, 13>, kGrey224, Width::any},
    {"vgg16-bn", deep<vgg_bn, 16>, kGrey224, Width::any},
    {"vgg19-bn", deep<vgg_bn, 19>, kGrey224, Width::any},
    {"nin", nin, kGrey224, Width::any},
    {"googlenet", googlenet, kGrey96, Width::any},
    {"resnet18", resnet18, kGrey96, Width::any},
    {"densenet", densenet, kGrey96, Width::any},
    {"vit-tiny", vit_tiny},
    {"resnet20", deep<small_resnet, 20>, kSmall, Width::any},
    {"resnet32", deep<small_resnet, 32>, kSmall, Width::any},
    {"resnet44", deep<small_resnet, 44>, kSmall, Width::any},
    {"resnet56", deep<small_resnet, 56>, kSmall, Width::any},
    {"resnet110", deep<small_resnet, 110>, kSmall, Width::any},
    {"tv-alexnet", tv_alexnet, kImageNet},
    {"tv-vgg11", deep<tv_vgg, 11>, kImageNet},
    {"tv-vgg13", deep<tv_vgg, 13>, kImageNet},
    {"tv-vgg16", deep<tv_vgg, 16>, kImageNet},
    {"tv-vgg19", deep<tv_vgg, 19>, kImageNet},
    {"tv-vgg11-bn", deep<tv_vgg_bn, 11>, kImageNet},
    {"tv-vgg13-bn", deep<tv_vgg_bn, 13>, kImageNet},
    {"tv-vgg16-bn", deep<tv_vgg_bn, 16>, kImageNet},
    {"tv-vgg19-bn", deep<tv_vgg_bn, 19>, kImageNet},
    {"tv-googlenet", tv_googlenet, kImageNet},
    {"tv-resnet18", deep<tv_resnet, 18>, kImageNet},
    {"tv-resnet34", deep<tv_resnet, 34>, kImageNet},
    {"tv-resnet50", deep<tv_resnet, 50>, kImageNet},
    {"tv-resnet101", deep<tv_resnet, 101>, kImageNet},
    {"tv-resnet152", deep<tv_resnet, 152>, kImageNet},
};

const Entry& find_entry(const std::string& name) {
  for (const Entry& entry : kModels)
    if (name == entry.name) return entry;
  throw UsageError(unknown_name("model", name, model_names(), "d2l-train --list-models"));
}

std::vector<std::string> models_for_rows() {
  std::vector<std::string> names;
  for (const Entry& entry : kModels)
    if (entry.takes_rows) names.emplace_back(entry.name);
  return names;
}

}  // namespace

std::vector<std::string> model_names() {
  std::vector<std::string> names;
  for (const Entry& entry : kModels) names.emplace_back(entry.name);
  return names;
}

ModelOptions usual_options(const std::string& name) {
  const Usual& usual = find_entry(name).usual;
  return {.input = {usual.side, usual.side, usual.channels}, .classes = usual.classes};
}

void check_model_name(const std::string& name) { find_entry(name); }

std::unique_ptr<nn::Module> build_model(const std::string& name, const ModelOptions& options) {
  const Entry& entry = find_entry(name);
  const int64_t rank = options.input.rank();
  check(options.classes >= 1, "model ", name, ": expected at least 1 output, found ",
        options.classes);
  check(rank == 3 || rank == 1, "model ", name, ": expected an input [h, w, c] or [values], found ",
        options.input);
  if (rank == 1 && !entry.takes_rows)
    throw UsageError(concat("model ", name, ": expected images, found rows of ", options.input[0],
                            " values, which need --model ", join(models_for_rows(), ", ")));
  if (options.width < 1 || (options.width > 1 && entry.width == Width::fixed))
    throw UsageError(
        concat("model ", name, ": expected a width of ",
               entry.width == Width::fixed ? "1, it cannot be made narrower" : "at least 1",
               ", found ", options.width));
  return entry.build(options);
}

nn::LayerInit layer_init(const ModelOptions& options, const nn::LayerInit& own) {
  if (options.init.empty()) return own;
  if (options.init == "xavier") return {.weight = nn::xavier_uniform(), .bias = {}};
  if (options.init == "normal") return {.weight = nn::normal(0, 0.01), .bias = {}};
  throw UsageError(unknown_name("initialisation", options.init, {"xavier", "normal"}));
}

nn::LayerInit kaiming_init(const ModelOptions& options) {
  return layer_init(options, {.weight = nn::kaiming_normal(), .bias = nn::constant(0)});
}

int64_t scaled_channels(const ModelOptions& options, int64_t channels) {
  if (channels % options.width != 0)
    throw UsageError(concat("width ", options.width, ": expected a divisor of the model's ",
                            channels, " channels"));
  return channels / options.width;
}

void check_sides(const char* model, const ModelOptions& options, int64_t least) {
  check(options.input[0] >= least && options.input[1] >= least, model,
        ": expected an input of at least ", least, " x ", least, ", found ", options.input);
}

}  // namespace d2l::models
