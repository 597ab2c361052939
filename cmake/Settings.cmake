# Language level, build type and output folders. The layout of the build tree is that of an installation
# (bin/batchtune beside lib/batchtune/*.so), so that the executable finds its modules in both.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()
# -O2: the inner loops are in files of their own (bt_add_isa_sources, -O3); the rest would only build longer.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
include(GNUInstallDirs)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
set(BT_MODULE_DIRECTORY ${PROJECT_BINARY_DIR}/lib/batchtune)
find_program(BT_CCACHE ccache)
if(BT_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${BT_CCACHE})
endif()
