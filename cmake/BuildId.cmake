# One id for the executable and the modules built with it: a module with another id is refused. It names the
# content of the sources, and is made anew at build time whenever one of them changed, so that an executable
# and a module of one tree agree after an incremental build, and disagree with those of another tree.
#   bt::build_id: link it to include "build_id.h". BuildIdHash.cmake does the work.
file(GLOB_RECURSE BT_ID_SOURCES CONFIGURE_DEPENDS
     ${PROJECT_SOURCE_DIR}/tuner/*.h ${PROJECT_SOURCE_DIR}/tuner/*.cpp
     ${PROJECT_SOURCE_DIR}/kernels/*.h ${PROJECT_SOURCE_DIR}/kernels/*.cpp)
set(BT_ID_HEADER ${PROJECT_BINARY_DIR}/generated/build_id.h)
set(bt_id_script ${PROJECT_SOURCE_DIR}/cmake/BuildIdHash.cmake)
string(REPLACE ";" "\n" bt_id_list "${BT_ID_SOURCES}")
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/generated/build_id_sources.txt CONTENT "${bt_id_list}\n" @ONLY)
add_custom_command(
  OUTPUT ${BT_ID_HEADER}
  COMMAND ${CMAKE_COMMAND} -DSOURCES=${PROJECT_BINARY_DIR}/generated/build_id_sources.txt -DHEADER=${BT_ID_HEADER}
          -DVERSION=${PROJECT_VERSION} "-DCOMPILER=${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}"
          "-DBUILD_TYPE=${CMAKE_BUILD_TYPE}" "-DSANITIZE=${BATCHTUNE_SANITIZE}" -P ${bt_id_script}
  DEPENDS ${BT_ID_SOURCES} ${bt_id_script} ${PROJECT_BINARY_DIR}/generated/build_id_sources.txt
  COMMENT "" VERBATIM)
add_custom_target(bt_build_id_header DEPENDS ${BT_ID_HEADER})
add_library(bt_build_id INTERFACE)
add_library(bt::build_id ALIAS bt_build_id)
add_dependencies(bt_build_id bt_build_id_header)
target_include_directories(bt_build_id INTERFACE ${PROJECT_BINARY_DIR}/generated)
