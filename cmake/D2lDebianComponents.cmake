# Read by CPack for each kind of package: which components packages for Debian have.
if(CPACK_GENERATOR STREQUAL DEB)
  set(CPACK_COMPONENTS_ALL debian development)
  set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
endif()
