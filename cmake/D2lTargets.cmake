# One folder = one target = one layer. The sources of a target are the .cpp files of its folder.

# d2l_library(name [FOLDERS sub...] [DEPENDS target...] [PRIVATE target...])
# Makes d2l_<name> from this folder (and the named folders below it). DEPENDS are the layers its
# headers may include; PRIVATE are external packages that only its .cpp files see.
function(d2l_library name)
  cmake_parse_arguments(ARG "" "" "FOLDERS;DEPENDS;PRIVATE" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS *.cpp)
  foreach(folder IN LISTS ARG_FOLDERS)
    file(GLOB more CONFIGURE_DEPENDS ${folder}/*.cpp)
    list(APPEND sources ${more})
  endforeach()
  add_library(d2l_${name} STATIC ${sources})
  set_target_properties(d2l_${name} PROPERTIES LINKER_LANGUAGE CXX)
  target_link_libraries(d2l_${name} PUBLIC d2l_flags ${ARG_DEPENDS} PRIVATE ${ARG_PRIVATE})
endfunction()

# d2l_program(name SOURCES file... DEPENDS target...) makes build/<preset>/bin/<name>.
function(d2l_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE d2l_flags ${ARG_DEPENDS})
endfunction()
