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
add_library(d2l_libhdf5 INTERFACE)
target_include_directories(d2l_libhdf5 SYSTEM INTERFACE ${HDF5_INCLUDE_DIRS})
target_link_libraries(d2l_libhdf5 INTERFACE ${HDF5_LIBRARIES})

find_path(XXHASH_INCLUDE xxhash.h REQUIRED)
find_library(XXHASH_LIBRARY xxhash REQUIRED)
add_library(d2l_xxhash INTERFACE)
target_include_directories(d2l_xxhash SYSTEM INTERFACE ${XXHASH_INCLUDE})
target_link_libraries(d2l_xxhash INTERFACE ${XXHASH_LIBRARY})

find_path(HWLOC_INCLUDE hwloc.h REQUIRED)
find_library(HWLOC_LIBRARY hwloc REQUIRED)
add_library(d2l_hwloc INTERFACE)
target_include_directories(d2l_hwloc SYSTEM INTERFACE ${HWLOC_INCLUDE})
target_link_libraries(d2l_hwloc INTERFACE ${HWLOC_LIBRARY})

find_path(WEBP_INCLUDE webp/decode.h REQUIRED)
find_library(WEBP_LIBRARY webp REQUIRED)
add_library(d2l_webp INTERFACE)
target_include_directories(d2l_webp SYSTEM INTERFACE ${WEBP_INCLUDE})
target_link_libraries(d2l_webp INTERFACE ${WEBP_LIBRARY})
