# d2l_test(room [NAME name] [DEPENDS target...] [LABELS label...])
# One program test_<room> from the .cpp files of this folder, each of its cases a CTest test with a
# time limit; a case that GTEST_SKIPs is counted as skipped, not passed.
include(GoogleTest)
find_package(GTest REQUIRED)

function(d2l_test room)
  cmake_parse_arguments(ARG "" "" "DEPENDS;LABELS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS *.cpp)
  add_executable(test_${room} ${sources})
  target_link_libraries(test_${room} PRIVATE d2l_flags ${ARG_DEPENDS} d2l_test_support GTest::gmock GTest::gtest GTest::gtest_main)
  gtest_discover_tests(test_${room}
    TEST_PREFIX ${room}.
    DISCOVERY_TIMEOUT 60
    PROPERTIES TIMEOUT 120 LABELS "${room};${ARG_LABELS}"
      SKIP_REGULAR_EXPRESSION "\\[  SKIPPED \\]"
      ENVIRONMENT "OMP_NUM_THREADS=1;ASAN_OPTIONS=detect_leaks=0")
endfunction()
