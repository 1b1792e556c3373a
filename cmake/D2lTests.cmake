# d2l_test(room [PROCESSORS n] [DEPENDS target...] [LABELS label...])
# One program test_<room> from the .cpp files of this folder, each of its cases a CTest test with a
# time limit; a case that GTEST_SKIPs is counted as skipped, not passed. PROCESSORS: the cores that a
# case keeps busy, so that CTest starts no other beside it that would need them.
include(GoogleTest)
find_package(GTest REQUIRED)

# One setting only: gtest_discover_tests takes no lists. Open MPI and HDF5 keep memory to the end, which
# would drown leaks of ours.
if(D2L_SANITIZE)
  set(D2L_TEST_ENVIRONMENT ASAN_OPTIONS=detect_leaks=0)
else()
  set(D2L_TEST_ENVIRONMENT OMP_NUM_THREADS=1)
endif()

function(d2l_test room)
  cmake_parse_arguments(ARG "" "PROCESSORS" "DEPENDS;LABELS" ${ARGN})
  if(NOT ARG_PROCESSORS)
    set(ARG_PROCESSORS 1)
  endif()
  file(GLOB sources CONFIGURE_DEPENDS *.cpp)
  add_executable(test_${room} ${sources})
  target_link_libraries(test_${room} PRIVATE d2l_flags ${ARG_DEPENDS} d2l_test_support GTest::gmock GTest::gtest GTest::gtest_main)
  gtest_discover_tests(test_${room}
    TEST_PREFIX ${room}.
    DISCOVERY_TIMEOUT 60
    PROPERTIES TIMEOUT 120 PROCESSORS ${ARG_PROCESSORS} LABELS "${room};${ARG_LABELS}"
      SKIP_REGULAR_EXPRESSION "\\[  SKIPPED \\]"
      ENVIRONMENT ${D2L_TEST_ENVIRONMENT})
endfunction()

# What Open MPI needs to start more ranks than cores, also in a container whose user is root.
set(D2L_MPI_ENVIRONMENT
  OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_mpi_yield_when_idle=1
  OMP_NUM_THREADS=1 ASAN_OPTIONS=detect_leaks=0)

# d2l_mpi_test(name RANKS n... [SOURCES file...] [DEPENDS target...])
# One program test_<name> from SOURCES (the .cpp files of this folder), whose tests run on all ranks
# at once (tests/comm/mpi_main.h); one CTest test <name>.ranks<n> for each number of ranks.
function(d2l_mpi_test name)
  cmake_parse_arguments(ARG "" "" "RANKS;SOURCES;DEPENDS" ${ARGN})
  if(NOT ARG_SOURCES)
    file(GLOB ARG_SOURCES CONFIGURE_DEPENDS *.cpp)
  endif()
  add_executable(test_${name} ${ARG_SOURCES})
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
