// Tests that the checks can fail: each gets a small tree with one fault, then the repaired tree.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "framework/base/files.h"
#include "tests/structure/source_tree.h"
#include "tests/support/support.h"

namespace d2l::structure {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Checker : public testing::Test {
 protected:
  void put(const std::string& path, const std::string& text) {
    std::filesystem::create_directories((folder_.path() / path).parent_path());
    write_text_file(folder_.path() / path, text);
  }
  std::vector<SourceFile> tree() const { return read_tree(folder_.path()); }

 private:
  test::TemporaryFolder folder_;
};

std::string lines(size_t count, const std::string& line) {
  std::string text;
  for (size_t i = 0; i < count; ++i) text += line + "\n";
  return text;
}

TEST_F(Checker, ReadsSourcesAndLeavesBuildsAndSamplesAlone) {
  put("framework/base/a.h", "one\ntwo\n");
  put("CMakeLists.txt", "project(x)\n");
  put("build/release/generated.cpp", "x\n");
  put("data/samples/licence.txt", "x\n");
  put("data/picture.png", "x\n");
  auto found = tree();
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].path, "CMakeLists.txt");
  EXPECT_EQ(found[1].path, "framework/base/a.h");
  EXPECT_THAT(found[1].lines, ElementsAre("one", "two"));
}

TEST_F(Checker, KnowsTheLayerOfAPath) {
  EXPECT_EQ(layer_of("framework/backend/cpu/matmul.cpp"), "backend");
  EXPECT_EQ(layer_of("tests/backend/matmul_test.cpp"), "tests");
  EXPECT_EQ(layer_of("models/zoo.cpp"), "models");
  EXPECT_EQ(layer_of("launcher/options/data.h"), "options");
  EXPECT_EQ(layer_of("launcher/report.h"), "launcher");
  EXPECT_EQ(layer_of("README.md"), "");
}

TEST_F(Checker, AnIncludeOfAHigherLayerIsAFault) {
  put("framework/tensor/a.cpp", "\n#include \"framework/autograd/variable.h\"\n");
  EXPECT_THAT(check_layers(tree()),
              ElementsAre("framework/tensor/a.cpp:2: tensor may not include autograd: "
                          "framework/autograd/variable.h"));
  put("framework/tensor/a.cpp", "\n#include \"framework/base/error.h\"\n");
  EXPECT_THAT(check_layers(tree()), IsEmpty());
}

TEST_F(Checker, LayersSideBySideDoNotKnowEachOther) {
  put("framework/optim/a.h", "#include \"framework/comm/communicator.h\"\n");
  put("framework/train/b.h", "#  include \"models/lenet.h\"\n");
  put("framework/comm/c.h", "#include \"framework/tensor/tensor.h\"\n");
  put("models/d.h", "#include \"data/dataset.h\"\n");
  put("launcher/e.cpp", "#include \"tests/support/support.h\"\n");
  put("launcher/options/f.h", "#include \"launcher/report.h\"\n");
  EXPECT_EQ(check_layers(tree()).size(), 6u);
}

TEST_F(Checker, TheTransitiveClosureIsAllowed) {
  put("framework/train/a.h", "#include \"framework/base/error.h\"\n");
  put("launcher/b.cpp", "#include \"framework/autograd/variable.h\"\n#include \"data/a.h\"\n");
  put("tests/nn/c.cpp", "#include \"launcher/b.h\"\n");
  EXPECT_THAT(check_layers(tree()), IsEmpty());
}

TEST_F(Checker, TheInsideOfABackendIsPrivate) {
  put("framework/tensor/a.cpp", "#include \"framework/backend/cpu/parallel.h\"\n");
  put("tests/backend/b.cpp", "#include \"framework/backend/cpu/parallel.h\"\n");
  put("framework/backend/c.cpp", "#include \"framework/backend/cpu/parallel.h\"\n");
  EXPECT_THAT(check_layers(tree()), ElementsAre(HasSubstr("framework/tensor/a.cpp:1: only the")));
}

TEST_F(Checker, AFileOutsideEveryRoomIsAFault) {
  put("framework/misc/a.cpp", "int a;\n");
  EXPECT_THAT(check_layers(tree()),
              ElementsAre(HasSubstr("framework/misc/a.cpp:1: is in no layer")));
}

TEST_F(Checker, AVendorHeaderAwayFromHomeIsAFault) {
  put("framework/train/a.cpp", "#include <mpi.h>\n");
  put("framework/tensor/b.cpp", "#include <hdf5.h>\n");
  put("framework/backend/c.cpp", "#include <oneapi/dnnl/dnnl.hpp>\n");
  put("framework/nn/d.cpp", "#include <cuda_runtime.h>\n");
  put("data/e.cpp", "#include <boost/program_options.hpp>\n");
  put("framework/base/f.cpp", "#include \"gtest/gtest.h\"\n");
  put("benchmarks/kernels.cpp", "#include <oneapi/dnnl/dnnl.hpp>\n");
  EXPECT_EQ(check_vendors(tree()).size(), 7u);
}

TEST_F(Checker, AVendorHeaderAtHomeIsNone) {
  put("framework/comm/a.cpp", "#include <mpi.h>\n#include <nccl.h>\n#include <cuda_runtime.h>\n");
  put("framework/hdf5/b.h", "#include <hdf5.h>\n#include <vector>\n");
  put("framework/backend/cpu/c.cpp", "#include <dnnl.hpp>\n#include <oneapi/dnnl/dnnl.hpp>\n");
  put("launcher/d.cpp", "#include <boost/program_options.hpp>\n");
  put("benchmarks/convolution_peak.cpp", "#include <oneapi/dnnl/dnnl.hpp>\n");
  EXPECT_THAT(check_vendors(tree()), IsEmpty());
}

TEST_F(Checker, IncludesNotWrittenFromTheRootAreFaults) {
  put("framework/base/a.h", "");
  put("framework/base/b.cpp", "#include \"a.h\"\n#include \"../base/a.h\"\n");
  put("framework/base/c.cpp", "#include <framework/base/a.h>\n");
  EXPECT_EQ(check_include_form(tree()).size(), 3u);
  put("framework/base/b.cpp", "#include \"framework/base/a.h\"\n#include <vector>\n");
  put("framework/base/c.cpp", "");
  EXPECT_THAT(check_include_form(tree()), IsEmpty());
}

TEST_F(Checker, ALongFileIsAFault) {
  put("framework/base/a.cpp", lines(500, "int a();"));
  put("cmake/b.cmake", lines(500, "set(a b)"));
  EXPECT_THAT(check_sizes(tree()), IsEmpty());
  put("framework/base/a.cpp", lines(501, "int a();"));
  put("cmake/b.cmake", lines(501, "set(a b)"));
  EXPECT_THAT(check_sizes(tree()), ElementsAre("cmake/b.cmake:1: 501 lines, at most 500",
                                               "framework/base/a.cpp:1: 501 lines, at most 500"));
}

TEST_F(Checker, ALongFunctionIsAFault) {
  std::string head = "namespace d2l {\n\ntemplate <class T>\nint f(int a,\n      int b) {\n";
  put("framework/base/a.cpp", head + lines(57, "  g();") + "}\n\n}  // namespace d2l\n");
  EXPECT_THAT(check_sizes(tree()), IsEmpty());
  put("framework/base/a.cpp", head + lines(58, "  g();") + "}\n\n}  // namespace d2l\n");
  EXPECT_THAT(check_sizes(tree()),
              ElementsAre("framework/base/a.cpp:4: a function of 61 lines, at most 60"));
}

TEST_F(Checker, ALongClassOrTableIsNoFunction) {
  put("framework/base/a.h", "class A {\n" + lines(100, "  int f();") + "};\n");
  put("framework/base/b.cpp", "const int kTable[] = {\n" + lines(100, "    1,") + "};\n");
  put("framework/base/c.cpp", "namespace a {\n" + lines(100, "  ") + "}  // namespace a\n");
  EXPECT_THAT(check_sizes(tree()), IsEmpty());
}

TEST_F(Checker, AHeaderWithoutPragmaOnceIsAFault) {
  put("framework/base/a.h", "#ifndef A_H\n#define A_H\n#endif\n");
  put("framework/base/b.h", "#pragma once\n");
  EXPECT_THAT(check_headers(tree()), ElementsAre(HasSubstr("framework/base/a.h:1:")));
}

TEST_F(Checker, TwoTypesOfOneNameAreAFault) {
  put("framework/base/a.h", "namespace d2l {\nstruct A {\n};\nclass B;\n}  // namespace d2l\n");
  put("framework/base/b.h", "namespace d2l::b {\nstruct A {\n};\n}  // namespace d2l::b\n");
  put("framework/base/c.h",
      "namespace d2l {\nclass B final : public C {\n};\n}  // namespace d2l\n");
  EXPECT_THAT(check_names(tree()), IsEmpty());
  put("framework/nn/d.h", "namespace d2l {\n\nenum class A { one };\n}  // namespace d2l\n");
  EXPECT_THAT(check_names(tree()), ElementsAre("framework/nn/d.h:3: d2l::A is a type of "
                                               "framework/base/a.h:2 too"));
}

TEST_F(Checker, ConditionalsAreCountedPerThousandLines) {
  put("framework/base/a.cpp", "#ifdef A\n#endif\n" + lines(998, "// line"));
  EXPECT_THAT(check_conditionals(tree()), testing::SizeIs(2));
  put("framework/base/b.cpp", "// line\n");
  EXPECT_THAT(check_conditionals(tree()), IsEmpty());
  put("framework/base/c.cpp", "#if A\n#elif B\n#endif\n");
  EXPECT_THAT(check_conditionals(tree()), testing::SizeIs(4));
}

TEST_F(Checker, WideInterfacesAreFaults) {
  put("framework/backend/backend.h", lines(300, "// line"));
  const std::string destructor = "  virtual ~Communicator() = default;\n";
  put("framework/comm/communicator.h", destructor + lines(7, "  virtual void f() = 0;"));
  put("framework/backend/kernels/a.h", lines(40, "  virtual void f() = 0;"));
  put("framework/backend/kernels/b.h", lines(6, "  virtual void f() = 0;"));
  EXPECT_THAT(check_interfaces(tree()), IsEmpty());
  put("framework/backend/kernels/b.h", lines(7, "  virtual void f() = 0;"));
  put("framework/backend/backend.h", lines(301, "// line"));
  put("framework/comm/communicator.h", destructor + lines(8, "  virtual void f() = 0;"));
  EXPECT_EQ(check_interfaces(tree()).size(), 3u);
}

TEST_F(Checker, TeamsElsewhereAreFaults) {
  put("framework/backend/cpu/parallel.h",
      std::string("#pragma omp parallel\n omp_") + "get_num_threads();\n");
  EXPECT_THAT(check_teams(tree()), IsEmpty());
  put("framework/backend/cpu/a.cpp", "// of omp_\n  # pragma omp parallel\n");
  put("data/b.cpp", std::string("int n = omp_") + "get_max_threads();\n");
  EXPECT_THAT(check_teams(tree()), ElementsAre(HasSubstr("data/b.cpp:1: speaks to OpenMP"),
                                               HasSubstr("framework/backend/cpu/a.cpp:2:")));
}

TEST_F(Checker, MarksOfUnfinishedWorkAreFaults) {
  put("framework/base/a.cpp", std::string("// TO") + "DO: later\n");
  put("docs/b.md", std::string("fine\nFIX") + "ME\n");
  EXPECT_THAT(check_words(tree()), ElementsAre(HasSubstr("docs/b.md:2:"), HasSubstr("a.cpp:1:")));
}

}  // namespace
}  // namespace d2l::structure
