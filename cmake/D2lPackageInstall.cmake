# Runs while a package is installed, after d2l's own files: adds Open MPI and all required
# libraries, and makes programs find them relative to their own folder. D2lPackage.cmake sets
# PATCHELF, MPIEXEC and SOURCE, the folder of the sources.
if(CMAKE_INSTALL_COMPONENT MATCHES "^(development|debian)$")
  return()  # these use the libraries of the machine
endif()
set(root $ENV{DESTDIR}${CMAKE_INSTALL_PREFIX})
get_filename_component(mpi_programs "${MPIEXEC}" DIRECTORY)
if(NOT PATCHELF OR NOT EXISTS ${mpi_programs}/ompi_info)
  message(FATAL_ERROR "A package needs Open MPI (found '${MPIEXEC}') and patchelf (found "
    "'${PATCHELF}'); see packages.apt, and configure again")
endif()

# Libraries that must be the machine's own: glibc, and NVIDIA's driver and toolkit.
set(of_the_machine "^(ld-linux.*|lib(c|m|mvec|pthread|dl|rt|resolv|util|anl|nss_.*|cuda|cudart|\
cublas|cublasLt|cudnn.*|nccl|nvrtc.*|nvJitLink|nvidia-.*))\\.so")

# Plugins for fabrics would need two dozen libraries that have to match the machine's drivers; d2l
# does not use OpenSHMEM and MPI's file functions; the rest is for rare launchers and for profiling.
set(left_out "^mca_((atomic|memheap|scoll|spml|sshmem|fbtl|fcoll|fs|io|sharedfp|vprotocol)_.*|\
.*_(ucx|ofi|openib|psm2?|netlink|flux|jsm|simulator|monitoring)|pml_cm|btl_sm)\\.so$")

# Sets <variable> to the programs and libraries among the files that match the patterns.
function(binaries variable)
  file(GLOB files ${ARGN})
  set(found "")
  foreach(file IN LISTS files)
    if(NOT IS_SYMLINK ${file} AND NOT IS_DIRECTORY ${file})
      file(READ ${file} magic LIMIT 4 HEX)
      if(magic STREQUAL 7f454c46)
        list(APPEND found ${file})
      endif()
    endif()
  endforeach()
  set(${variable} ${found} PARENT_SCOPE)
endfunction()

function(patchelf)
  execute_process(COMMAND ${PATCHELF} ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

# Copies all direct and indirect dependencies of the files to lib/, under the names that the files
# use. Appends the original paths to `origins`.
function(add_libraries)
  execute_process(COMMAND ldd ${ARGN} OUTPUT_VARIABLE needs COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX MATCHALL "[^ \t\n]+ => (/[^ \n]+|not found)" needs "${needs}")
  list(REMOVE_DUPLICATES needs)
  foreach(need IN LISTS needs)
    string(REGEX MATCH "^(.+) => (.+)$" need "${need}")
    set(name ${CMAKE_MATCH_1})
    set(path ${CMAKE_MATCH_2})
    if(name MATCHES "${of_the_machine}" OR EXISTS ${root}/lib/${name})
      continue()
    elseif(path STREQUAL "not found")
      message(FATAL_ERROR "The package needs ${name}, which is not found here")
    endif()
    file(REAL_PATH ${path} path)
    file(COPY_FILE ${path} ${root}/lib/${name})
    list(APPEND origins ${path})
  endforeach()
  set(origins "${origins}" PARENT_SCOPE)
endfunction()

# Open MPI, from the folders of its distribution.
foreach(folder pkglibdir pkgdatadir)
  execute_process(COMMAND ${mpi_programs}/ompi_info --parsable --path ${folder}
    OUTPUT_VARIABLE answer COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX REPLACE "^.*path:${folder}:([^\n]*).*$" "\\1" ${folder} "${answer}")
endforeach()
foreach(program mpirun orted)
  file(REAL_PATH ${mpi_programs}/${program} path)
  file(MAKE_DIRECTORY ${root}/libexec)
  file(COPY_FILE ${path} ${root}/libexec/${program})
endforeach()
file(COPY ${pkgdatadir}/ DESTINATION ${root}/share/openmpi FILES_MATCHING PATTERN "help-*.txt"
  PATTERN amca-param-sets EXCLUDE)
file(GLOB plugins RELATIVE ${pkglibdir} ${pkglibdir}/mca_*.so)
list(FILTER plugins EXCLUDE REGEX "${left_out}")
list(TRANSFORM plugins PREPEND ${pkglibdir}/)
file(COPY ${plugins} DESTINATION ${root}/lib/openmpi)

binaries(programs ${root}/bin/* ${root}/tests/* ${root}/libexec/*)
binaries(libraries ${root}/lib/*.so ${root}/lib/openmpi/*.so)
add_libraries(${programs} ${libraries})

# If PMIx is a separate library, it has plugins too.
set(pmix ${origins})
list(FILTER pmix INCLUDE REGEX "/libpmix\\.so")
if(pmix)
  get_filename_component(pmix ${pmix} DIRECTORY)
  file(COPY ${pmix}/pmix DESTINATION ${root}/lib)
  file(COPY ${pmix}/../share/pmix DESTINATION ${root}/share FILES_MATCHING PATTERN "help-*.txt")
  binaries(plugins ${root}/lib/pmix/*.so)
  add_libraries(${plugins})
endif()

# RPATH, not RUNPATH: it also applies to indirect dependencies and plugins that have no path of
# their own.
patchelf(--force-rpath --set-rpath "$ORIGIN/../lib" ${programs})
binaries(libraries ${root}/lib/*.so* ${root}/lib/openmpi/*.so ${root}/lib/pmix/*.so)
patchelf(--remove-rpath ${libraries})
if(EXISTS ${root}/lib/libd2l_cuda.so)  # a RUNPATH: LD_LIBRARY_PATH may name another toolkit
  patchelf(--set-rpath "$ORIGIN:/usr/local/cuda/lib64" ${root}/lib/libd2l_cuda.so)
endif()

# The only program that is linked with NVIDIA's libraries.
if(EXISTS ${root}/bin/bench-cudnn-fusions)
  patchelf(--set-rpath "$ORIGIN/../lib:/usr/local/cuda/lib64" ${root}/bin/bench-cudnn-fusions)
endif()

# The version of the sources, for readers of its results.
execute_process(COMMAND git -C ${SOURCE} describe --always --dirty OUTPUT_VARIABLE version
  OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(version)
  file(WRITE ${root}/share/d2l/version.txt "${version}\n")
endif()

# Tests search programs in their own folder.
if(EXISTS ${root}/tests)
  file(GLOB names RELATIVE ${root}/bin ${root}/bin/*)
  foreach(name IN LISTS names)
    file(CREATE_LINK ../bin/${name} ${root}/tests/${name} SYMBOLIC)
  endforeach()
endif()

# The licences of the copied files, if the distribution provides them.
find_program(DPKG_QUERY dpkg-query)
if(DPKG_QUERY)
  list(TRANSFORM origins REPLACE "^.*/" "*/")
  execute_process(COMMAND ${DPKG_QUERY} -S ${origins} OUTPUT_VARIABLE owners ERROR_QUIET)
  string(REGEX MATCHALL "\n[^:\n]+:" owners "\n${owners}")
  list(REMOVE_DUPLICATES owners)
  foreach(owner IN LISTS owners)
    string(REGEX REPLACE "[\n:]" "" owner "${owner}")
    if(EXISTS /usr/share/doc/${owner}/copyright)
      file(REAL_PATH /usr/share/doc/${owner}/copyright path)
      file(MAKE_DIRECTORY ${root}/share/licenses)
      file(COPY_FILE ${path} ${root}/share/licenses/${owner}.txt)
    endif()
  endforeach()
endif()
