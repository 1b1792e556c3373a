// Checks the source tree itself against its rules.
#include <gtest/gtest.h>

#include <set>

#include "framework/base/text.h"
#include "tests/structure/source_tree.h"
#include "tests/support/support.h"

namespace d2l::structure {
namespace {

const std::vector<SourceFile>& project() {
  static const std::vector<SourceFile> tree = read_tree(D2L_SOURCE_DIR);
  return tree;
}

void expect_none(const Faults& faults) {
  EXPECT_TRUE(faults.empty()) << faults.size() << " found:\n" << join(faults, "\n");
}

TEST(Structure, EveryLayerWasRead) {
  std::set<std::string> layers;
  for (const SourceFile& file : project()) layers.insert(layer_of(file.path));
  for (const char* layer :
       {"base", "backend", "tensor", "autograd", "nn", "optim", "comm", "checkpoint", "train",
        "models", "data", "vision", "options", "launcher", "tests"})
    EXPECT_TRUE(layers.count(layer)) << layer;
}

TEST(Structure, NoLayerIncludesAHigherOne) { expect_none(check_layers(project())); }
TEST(Structure, VendorHeadersStayAtHome) { expect_none(check_vendors(project())); }
TEST(Structure, IncludesAreWrittenFromTheRoot) { expect_none(check_include_form(project())); }
TEST(Structure, FilesAndFunctionsAreSmall) { expect_none(check_sizes(project())); }
TEST(Structure, HeadersAreIncludedOnce) { expect_none(check_headers(project())); }
TEST(Structure, NamesOfTypesAreTheirOwn) { expect_none(check_names(project())); }
TEST(Structure, ConditionalCompilationIsRare) { expect_none(check_conditionals(project())); }
TEST(Structure, InterfacesStaySmall) { expect_none(check_interfaces(project())); }
TEST(Structure, ThreadsWorkThroughOnePlace) { expect_none(check_teams(project())); }
TEST(Structure, NothingIsMarkedUnfinished) { expect_none(check_words(project())); }

}  // namespace
}  // namespace d2l::structure
