# GPUs: finds the toolkit, cuDNN and NCCL from distributions, the vendor's installers and its Python
# wheels. Sets D2L_HAS_CUDA; framework/backend/cuda/CMakeLists.txt builds the module.
set(D2L_CUDA AUTO CACHE STRING "The module for GPUs: AUTO builds it where all it needs is found, ON insists, OFF leaves it out")
set_property(CACHE D2L_CUDA PROPERTY STRINGS AUTO ON OFF)
set(D2L_HAS_CUDA OFF)
if(D2L_CUDA STREQUAL OFF OR D2L_SANITIZE)
  return()
endif()

# Sets <variable> to the first of `names` in the toolkit or in a wheel nvidia-<wheel>.
file(GLOB D2L_WHEELS LIST_DIRECTORIES ON
  /usr/lib/python3*/site-packages/nvidia /usr/local/lib/python3*/*-packages/nvidia
  $ENV{VIRTUAL_ENV}/lib/python3*/site-packages/nvidia)
function(d2l_find_vendor variable wheel header names)
  set(places ${CUDAToolkit_LIBRARY_ROOT} ${CUDAToolkit_LIBRARY_DIR}/..)
  foreach(folder IN LISTS D2L_WHEELS)
    list(APPEND places ${folder}/${wheel} ${folder}/cu13)
  endforeach()
  find_path(${variable}_INCLUDE ${header} HINTS ${places} PATH_SUFFIXES include)
  find_library(${variable}_LIBRARY NAMES ${names} HINTS ${places} PATH_SUFFIXES lib64 lib)
  if(${variable}_INCLUDE AND ${variable}_LIBRARY)
    add_library(${variable} INTERFACE)
    target_include_directories(${variable} SYSTEM INTERFACE ${${variable}_INCLUDE})
    target_link_libraries(${variable} INTERFACE ${${variable}_LIBRARY})
  else()
    set(D2L_CUDA_MISSING "${D2L_CUDA_MISSING} ${wheel}" PARENT_SCOPE)
  endif()
endfunction()

set(D2L_CUDA_MISSING "")
find_package(CUDAToolkit 12.4 QUIET)
if(CUDAToolkit_FOUND AND CUDAToolkit_NVCC_EXECUTABLE)
  d2l_find_vendor(d2l_cudnn cudnn cudnn.h "cudnn;libcudnn.so.9")
  d2l_find_vendor(d2l_nccl nccl nccl.h "nccl;libnccl.so.2")
else()
  set(D2L_CUDA_MISSING " CUDA toolkit 12.4 or newer")
endif()

if(NOT D2L_CUDA_MISSING STREQUAL "")
  if(D2L_CUDA STREQUAL ON)
    message(FATAL_ERROR "D2L_CUDA is ON, but not found:${D2L_CUDA_MISSING}")
  endif()
  message(STATUS "GPUs: left out, not found:${D2L_CUDA_MISSING}")
  return()
endif()

set(CMAKE_CUDA_COMPILER ${CUDAToolkit_NVCC_EXECUTABLE})
if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
  # Code for the two generations common in clusters; newer ones compile the PTX.
  set(CMAKE_CUDA_ARCHITECTURES 80-real 90)
endif()
enable_language(CUDA)
# CMake 3.25 does not know that nvcc 12 and newer support C++20.
set(CMAKE_CUDA_STANDARD 20)
set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION -std=c++20)
set(D2L_HAS_CUDA ON)
list(JOIN CMAKE_CUDA_ARCHITECTURES " " architectures)
message(STATUS "GPUs: CUDA ${CUDAToolkit_VERSION} for ${architectures}, ${d2l_cudnn_LIBRARY}, ${d2l_nccl_LIBRARY}")
