# The relocatable packages (docs/package.md): the target `package` makes the complete one, the
# target `gpu-package` only the component `gpu`, which benchmarks/gpu.sh runs. This file installs
# the build's output; D2lPackageInstall.cmake adds its dependencies.
find_program(D2L_PATCHELF patchelf)
mark_as_advanced(D2L_PATCHELF)

# Appends to <variable> the executables of `folder` and the folders below it.
function(d2l_executables folder variable)
  get_property(targets DIRECTORY ${folder} PROPERTY BUILDSYSTEM_TARGETS)
  foreach(target IN LISTS targets)
    get_target_property(type ${target} TYPE)
    if(type STREQUAL EXECUTABLE)
      list(APPEND ${variable} ${target})
    endif()
  endforeach()
  get_property(folders DIRECTORY ${folder} PROPERTY SUBDIRECTORIES)
  foreach(below IN LISTS folders)
    d2l_executables(${below} ${variable})
  endforeach()
  set(${variable} ${${variable}} PARENT_SCOPE)
endfunction()

d2l_executables(${PROJECT_SOURCE_DIR} programs)
d2l_executables(${PROJECT_SOURCE_DIR}/examples examples)
list(REMOVE_ITEM programs d2l-manual ${examples})  # for the build, and for readers of their sources
set(tests "")
if(BUILD_TESTING)
  d2l_executables(${PROJECT_SOURCE_DIR}/tests tests)
  list(REMOVE_ITEM programs ${tests})
  list(REMOVE_ITEM tests test_structure test_cluster test_cudnn)  # they test the sources, or need no module
endif()
# The component for GPUs, and the rest.
get_property(D2L_DEVICE_TESTS GLOBAL PROPERTY D2L_DEVICE_TESTS)
set(gpu_tests ${D2L_DEVICE_TESTS})
list(TRANSFORM gpu_tests PREPEND test_)
set(gpu_programs "")
foreach(program d2l-train d2l-ckpt bench-kernels bench-cudnn-fusions)
  if(TARGET ${program})
    list(APPEND gpu_programs ${program})
  endif()
endforeach()
list(REMOVE_ITEM programs ${gpu_programs})
list(REMOVE_ITEM tests ${gpu_tests})
install(TARGETS ${gpu_programs} RUNTIME DESTINATION bin COMPONENT gpu)
install(TARGETS ${programs} RUNTIME DESTINATION bin COMPONENT rest)
install(TARGETS ${gpu_tests} RUNTIME DESTINATION tests COMPONENT gpu)
install(TARGETS ${tests} RUNTIME DESTINATION tests COMPONENT rest)
set(modules "")
foreach(module d2l_cuda d2l_cuda_emulated)
  if(TARGET ${module})
    list(APPEND modules ${module})
  endif()
endforeach()
if(TARGET d2l_cuda)
  install(TARGETS d2l_cuda LIBRARY DESTINATION lib COMPONENT gpu)
endif()
if(TARGET d2l_cuda_emulated)
  install(TARGETS d2l_cuda_emulated LIBRARY DESTINATION lib COMPONENT rest)
endif()
# Their libraries are found where they were linked; then the paths are replaced.
set_target_properties(${programs} ${gpu_programs} ${tests} ${gpu_tests} ${modules} PROPERTIES
  INSTALL_RPATH_USE_LINK_PATH ON)

if(D2L_DEVICE_TESTS)
  list(JOIN D2L_DEVICE_TESTS "\n" names)
  file(CONFIGURE OUTPUT tests/device_tests.txt CONTENT "${names}\n" @ONLY)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/tests/device_tests.txt DESTINATION tests COMPONENT gpu)
endif()
install(PROGRAMS launcher/mpirun.sh DESTINATION bin RENAME mpirun COMPONENT gpu)
install(PROGRAMS launcher/mpirun.sh DESTINATION bin RENAME orted COMPONENT gpu)
install(DIRECTORY slurm DESTINATION . COMPONENT rest)
install(DIRECTORY ${CMAKE_BINARY_DIR}/share/man ${CMAKE_BINARY_DIR}/share/bash-completion DESTINATION share
  COMPONENT rest)
install(DIRECTORY data/samples DESTINATION share/d2l/data COMPONENT rest)
install(DIRECTORY tests/fuzz/seeds/torch DESTINATION share/d2l/tests/fuzz/seeds COMPONENT rest)
install(DIRECTORY tests/vision/reference DESTINATION share/d2l/tests/vision COMPONENT rest)
file(GLOB scripts benchmarks/*.py benchmarks/*.awk benchmarks/steps.sh)
install(FILES ${scripts} benchmarks/README.md DESTINATION benchmarks COMPONENT gpu)
install(PROGRAMS benchmarks/gpu.sh DESTINATION benchmarks COMPONENT gpu)
install(FILES README.md LICENSE DESTINATION . COMPONENT gpu)
install(DIRECTORY docs DESTINATION . COMPONENT gpu)

install(CODE "set(PATCHELF \"${D2L_PATCHELF}\")\nset(MPIEXEC \"${MPIEXEC_EXECUTABLE}\")
set(SOURCE \"${PROJECT_SOURCE_DIR}\")" ALL_COMPONENTS)
install(SCRIPT cmake/D2lPackageInstall.cmake ALL_COMPONENTS)

set(CPACK_GENERATOR TXZ)
set(CPACK_PACKAGE_FILE_NAME d2l-${PROJECT_VERSION}-linux-x86_64)
set(CPACK_STRIP_FILES ON)
set(CPACK_THREADS 0)  # one per core
set(CPACK_VERBATIM_VARIABLES ON)
include(D2lDebian)
include(CPack)

set(D2L_GPU_PACKAGE d2l-${PROJECT_VERSION}-gpu-linux-x86_64)
set(folder ${CMAKE_BINARY_DIR}/gpu-package)
if(TARGET d2l_cuda)
  add_custom_target(gpu-package
    COMMAND ${CMAKE_COMMAND} -E rm -rf ${folder}
    COMMAND ${CMAKE_COMMAND} --install ${CMAKE_BINARY_DIR} --component gpu --strip
      --prefix ${folder}/${D2L_GPU_PACKAGE}
    COMMAND ${CMAKE_COMMAND} -E chdir ${folder} ${CMAKE_COMMAND} -E tar cJf
      ${CMAKE_BINARY_DIR}/${D2L_GPU_PACKAGE}.tar.xz ${D2L_GPU_PACKAGE}
    COMMAND ${PROJECT_SOURCE_DIR}/tests/package/check_gpu_package.sh --contents
      ${CMAKE_BINARY_DIR}/${D2L_GPU_PACKAGE}.tar.xz
    DEPENDS d2l_cuda ${gpu_programs} ${gpu_tests} VERBATIM)
endif()
