# Packages for Debian 12 (docs/package.md): the target `debian-packages` makes d2l, the programs with
# the distribution's libraries, and libd2l-dev, the component `development`.
set(D2L_USER_PROGRAMS d2l-train d2l-launch d2l-data d2l-ckpt d2l-predict d2l-report)
set(in_debian COMPONENT debian EXCLUDE_FROM_ALL)
install(TARGETS ${D2L_USER_PROGRAMS} RUNTIME DESTINATION bin ${in_debian})
list(TRANSFORM D2L_USER_PROGRAMS PREPEND "\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/bin/"
  OUTPUT_VARIABLE files)
install(CODE "foreach(file ${files})\n  file(RPATH_REMOVE FILE \${file})\nendforeach()" ${in_debian})
install(DIRECTORY ${CMAKE_BINARY_DIR}/share/man ${CMAKE_BINARY_DIR}/share/bash-completion
  DESTINATION share ${in_debian})
install(DIRECTORY data/samples DESTINATION share/d2l/data ${in_debian})
install(DIRECTORY slurm DESTINATION share/d2l ${in_debian})
install(DIRECTORY docs DESTINATION share/doc/d2l ${in_debian})
install(FILES README.md DESTINATION share/doc/d2l ${in_debian})
install(FILES LICENSE DESTINATION share/doc/d2l RENAME copyright ${in_debian})
install(FILES LICENSE DESTINATION share/doc/libd2l-dev RENAME copyright ${in_development})

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "d2l <d2l@localhost>")
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_DEBIAN_PACKAGE_NAME d2l)
set(CPACK_DEBIAN_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_DEBIAN_PACKAGE_DEPENDS openmpi-bin)
set(CPACK_DEBIAN_DEBIAN_DESCRIPTION "${PROJECT_DESCRIPTION}")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libd2l-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
string(CONCAT CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "g++, libdnnl-dev, ocl-icd-opencl-dev, "
  "libhdf5-dev, libjpeg62-turbo-dev, libopenmpi-dev, libpng-dev, libpugixml-dev, libwebp-dev, "
  "libxxhash-dev, zlib1g-dev")
set(CPACK_DEBIAN_DEVELOPMENT_DESCRIPTION "${PROJECT_DESCRIPTION}: headers and libraries")
set(CPACK_PROJECT_CONFIG_FILE ${PROJECT_SOURCE_DIR}/cmake/D2lDebianComponents.cmake)

add_custom_target(debian-packages
  COMMAND ${CMAKE_CPACK_COMMAND} -G DEB --config ${CMAKE_BINARY_DIR}/CPackConfig.cmake
  WORKING_DIRECTORY ${CMAKE_BINARY_DIR} VERBATIM)
add_dependencies(debian-packages development manuals ${D2L_USER_PROGRAMS})
