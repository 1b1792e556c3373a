# d2l_test(name [PROCESSORS n] [DEPENDS target...] [LABELS label...] [ON_DEVICES [EMULATED filter]])
# Makes one program test_<name> from the .cpp files of this folder; each of its cases is a CTest
# test with a time limit. A case with GTEST_SKIP counts as skipped, not as passed. PROCESSORS: the
# cores that a case uses; CTest does not start other tests on them. ON_DEVICES: the whole program
# also runs on a GPU, see d2l_device_test.
include(GoogleTest)
find_package(GTest REQUIRED)

# Only one setting: gtest_discover_tests does not accept lists. Open MPI and HDF5 do not free all
# memory at exit, so leak detection is off.
if(D2L_SANITIZE)
  set(D2L_TEST_ENVIRONMENT ASAN_OPTIONS=detect_leaks=0)
else()
  set(D2L_TEST_ENVIRONMENT OMP_NUM_THREADS=1)
endif()

# Compiling tests takes longer than running them.
set(D2L_TEST_OPTIONS $<$<CONFIG:Release>:-O1>)

function(d2l_test name)
  cmake_parse_arguments(ARG "ON_DEVICES" "PROCESSORS;EMULATED" "DEPENDS;LABELS" ${ARGN})
  if(NOT ARG_PROCESSORS)
    set(ARG_PROCESSORS 1)
  endif()
  file(GLOB sources CONFIGURE_DEPENDS *.cpp)
  add_executable(test_${name} ${sources})
  target_compile_options(test_${name} PRIVATE ${D2L_TEST_OPTIONS})
  target_link_libraries(test_${name} PRIVATE d2l_flags ${ARG_DEPENDS} d2l_test_support GTest::gmock GTest::gtest d2l_test_main)
  if(ARG_ON_DEVICES)
    d2l_device_test(${name} EMULATED "${ARG_EMULATED}")
  endif()
  gtest_discover_tests(test_${name}
    TEST_PREFIX ${name}.
    DISCOVERY_TIMEOUT 60
    PROPERTIES TIMEOUT 120 PROCESSORS ${ARG_PROCESSORS} LABELS "${name};${ARG_LABELS}"
      SKIP_REGULAR_EXPRESSION "\\[  SKIPPED \\]"
      ENVIRONMENT ${D2L_TEST_ENVIRONMENT})
endfunction()

# d2l_device_test(name [EMULATED filter]) Adds two CTest tests that run all of test_<name> with
# CUDA: cuda.<name> on a GPU, skipped if there is none, and emulated.<name> with the module whose
# kernels run on the CPU (tests/emulated_cuda). The latter is some hundred times slower: `filter`, a
# GoogleTest filter, may exclude slow cases.
function(d2l_device_test name)
  cmake_parse_arguments(ARG "" "EMULATED" "" ${ARGN})
  if(NOT ARG_EMULATED)
    set(ARG_EMULATED "*")
  endif()
  set_property(GLOBAL APPEND PROPERTY D2L_DEVICE_TESTS ${name})
  add_test(NAME cuda.${name} COMMAND test_${name})
  set_tests_properties(cuda.${name} PROPERTIES TIMEOUT 300 SKIP_RETURN_CODE 77
    LABELS "${name};cuda" ENVIRONMENT D2L_TEST_DEVICE=cuda)
  if(TARGET d2l_cuda_emulated)
    add_dependencies(test_${name} d2l_cuda_emulated)
    add_test(NAME emulated.${name} COMMAND test_${name} --gtest_filter=${ARG_EMULATED})
    set_tests_properties(emulated.${name} PROPERTIES TIMEOUT 300 SKIP_RETURN_CODE 77
      LABELS "${name};emulated"
      ENVIRONMENT "D2L_TEST_DEVICE=cuda;OMP_NUM_THREADS=1;D2L_CUDA_MODULE=$<TARGET_FILE:d2l_cuda_emulated>")
  endif()
endfunction()

# Lets Open MPI start more ranks than cores, also as root in a container.
set(D2L_MPI_ENVIRONMENT
  OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_mpi_yield_when_idle=1
  OMP_NUM_THREADS=1 ASAN_OPTIONS=detect_leaks=0)

# d2l_mpi_test(name RANKS n... [SOURCES file...] [DEPENDS target...]) Makes one program test_<name>
# from SOURCES (default: the .cpp files of this folder) whose tests run on all ranks at once
# (tests/comm/mpi_main.h), and one CTest test <name>.ranks<n> for each number of ranks.
function(d2l_mpi_test name)
  cmake_parse_arguments(ARG "" "" "RANKS;SOURCES;DEPENDS" ${ARGN})
  if(NOT ARG_SOURCES)
    file(GLOB ARG_SOURCES CONFIGURE_DEPENDS *.cpp)
  endif()
  add_executable(test_${name} ${ARG_SOURCES})
  target_compile_options(test_${name} PRIVATE ${D2L_TEST_OPTIONS})
  target_link_libraries(test_${name} PRIVATE d2l_flags d2l_mpi_main ${ARG_DEPENDS} GTest::gmock GTest::gtest)
  foreach(ranks IN LISTS ARG_RANKS)
    if(MPIEXEC_EXECUTABLE)
      add_test(NAME ${name}.ranks${ranks}
        COMMAND ${MPIEXEC_EXECUTABLE} --bind-to none -n ${ranks} $<TARGET_FILE:test_${name}>)
    else()
      add_test(NAME ${name}.ranks${ranks} COMMAND sh -c "echo skipped: mpirun was not found; exit 77")
    endif()
    set_tests_properties(${name}.ranks${ranks} PROPERTIES TIMEOUT 120 PROCESSORS ${ranks}
      SKIP_RETURN_CODE 77 LABELS "${name};mpi" ENVIRONMENT "${D2L_MPI_ENVIRONMENT}")
  endforeach()
endfunction()
