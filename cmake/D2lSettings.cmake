# Language, warnings and output folders. Nothing here names a target.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

option(D2L_SANITIZE "Build with the address and undefined-behaviour sanitizers" OFF)

# Flags of d2l's own targets; external headers are SYSTEM and never warn. Programs that use an
# installed d2l get only the language and the folder of its headers.
add_library(d2l_flags INTERFACE)
set(D2L_CXX_OPTIONS
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor
  -Woverloaded-virtual -Werror
  # GCC 12 sees overlapping copies inside "text" + std::string (its bug 105651)
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
  # No code reads errno or floating-point traps; without these options loops over floats cannot be
  # vectorised. Results stay IEEE: no -ffast-math.
  -fno-math-errno -fno-trapping-math)
set(D2L_CUDA_OPTIONS --expt-relaxed-constexpr -Werror=all-warnings -Xcompiler=-Wall,-Wextra)
target_compile_options(d2l_flags INTERFACE
  "$<BUILD_INTERFACE:$<$<COMPILE_LANGUAGE:CXX>:${D2L_CXX_OPTIONS}>>"
  "$<BUILD_INTERFACE:$<$<COMPILE_LANGUAGE:CUDA>:${D2L_CUDA_OPTIONS}>>")
target_compile_features(d2l_flags INTERFACE $<INSTALL_INTERFACE:cxx_std_20>)
target_include_directories(d2l_flags INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>
  $<INSTALL_INTERFACE:include/d2l>)
if(D2L_SANITIZE)
  target_compile_options(d2l_flags INTERFACE -fsanitize=address,undefined -fno-omit-frame-pointer
    -fno-sanitize-recover=undefined -Wno-maybe-uninitialized)  # they cause false warnings
  target_compile_definitions(d2l_flags INTERFACE D2L_SANITIZE)
  target_link_options(d2l_flags INTERFACE -fsanitize=address,undefined)
endif()
