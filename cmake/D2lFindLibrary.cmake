# d2l_find_library(name header) makes the target d2l::<name> of a library that comes without a file
# for CMake. The build and programs that use an installed d2l both need it.
function(d2l_find_library name header)
  find_path(D2L_${name}_INCLUDE ${header} REQUIRED)
  find_library(D2L_${name}_LIBRARY ${name} REQUIRED)
  mark_as_advanced(D2L_${name}_INCLUDE D2L_${name}_LIBRARY)
  if(NOT TARGET d2l::${name})
    add_library(d2l::${name} INTERFACE IMPORTED)
    set_target_properties(d2l::${name} PROPERTIES
      INTERFACE_INCLUDE_DIRECTORIES ${D2L_${name}_INCLUDE}
      INTERFACE_LINK_LIBRARIES ${D2L_${name}_LIBRARY})
  endif()
endfunction()
