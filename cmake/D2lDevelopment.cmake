# The component `development`: what find_package(d2l) needs, and the examples. It is not a part of
# the packages (docs/package.md). The target `development` builds its libraries.
include(CMakePackageConfigHelpers)
set(in_development COMPONENT development EXCLUDE_FROM_ALL)

# The libraries that d2l_user links: those whose headers programs may include, and the others.
set(with_headers base weights backend tensor autograd nn optim comm checkpoint models data vision)
set(layers ${with_headers} hdf5 hdf5_reader)
list(TRANSFORM layers PREPEND d2l_ OUTPUT_VARIABLE libraries)
add_custom_target(development DEPENDS ${libraries})
if(TARGET d2l_cuda)
  add_dependencies(development d2l_cuda)
  install(TARGETS d2l_cuda LIBRARY DESTINATION lib ${in_development})
endif()

foreach(layer IN LISTS layers ITEMS flags)
  set_target_properties(d2l_${layer} PROPERTIES EXPORT_NAME ${layer})
endforeach()
set_target_properties(d2l_user PROPERTIES EXPORT_NAME d2l)
install(TARGETS d2l_user d2l_flags ${libraries} EXPORT d2l ARCHIVE DESTINATION lib ${in_development})
foreach(layer IN LISTS with_headers)
  get_target_property(folder d2l_${layer} SOURCE_DIR)
  file(RELATIVE_PATH place ${PROJECT_SOURCE_DIR} ${folder})
  install(DIRECTORY ${folder}/ DESTINATION include/d2l/${place} ${in_development}
    FILES_MATCHING PATTERN "*.h" PATTERN cpu EXCLUDE PATTERN cuda EXCLUDE PATTERN fetch EXCLUDE
    PATTERN packing EXCLUDE PATTERN samples EXCLUDE)
endforeach()
install(FILES include/d2l.h DESTINATION include/d2l ${in_development})
install(EXPORT d2l NAMESPACE d2l:: FILE d2lTargets.cmake DESTINATION lib/cmake/d2l ${in_development})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/d2lConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES cmake/d2lConfig.cmake cmake/D2lFindLibrary.cmake ${PROJECT_BINARY_DIR}/d2lConfigVersion.cmake
  DESTINATION lib/cmake/d2l ${in_development})
install(DIRECTORY examples DESTINATION share/d2l ${in_development})
