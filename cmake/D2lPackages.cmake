# All packages that d2l depends on. packages.apt lists them for Debian, with the reasons.
find_package(Threads REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS CXX)
find_package(MPI REQUIRED COMPONENTS C)  # the C interface: d2l does not use the C++ bindings
find_package(Boost 1.74 REQUIRED COMPONENTS program_options)
find_package(ZLIB REQUIRED)
find_package(dnnl REQUIRED)
find_package(JPEG REQUIRED)
find_package(PNG REQUIRED)
find_package(LibArchive REQUIRED)
find_package(CURL 7.85 REQUIRED)
find_package(OpenSSL 3 REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(pugixml 1.13 REQUIRED)

set(HDF5_PREFER_PARALLEL OFF)  # the serial library is thread-safe; one rank writes files
find_package(HDF5 REQUIRED COMPONENTS C)

include(D2lFindLibrary)
d2l_find_library(xxhash xxhash.h)
d2l_find_library(hwloc hwloc.h)
d2l_find_library(webp webp/decode.h)
