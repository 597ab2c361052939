# One id for the executable and the modules built with it: a module with another id is refused.
string(TIMESTAMP bt_configured_at "%Y%m%d%H%M%S" UTC)
set(BT_BUILD_ID "${PROJECT_VERSION}-${bt_configured_at}" CACHE INTERNAL "")
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/generated/build_id.h CONTENT [=[
#pragma once
// Written by cmake/BuildId.cmake. Equal in the executable and in the modules built with it.
namespace batchtune {
inline constexpr char kVersion[] = "@PROJECT_VERSION@";
inline constexpr char kBuildId[] = "@BT_BUILD_ID@";
inline constexpr char kCompiler[] = "@CMAKE_CXX_COMPILER_ID@ @CMAKE_CXX_COMPILER_VERSION@";
inline constexpr char kBuildType[] = "@CMAKE_BUILD_TYPE@";
}  // namespace batchtune
]=] @ONLY)
add_library(bt_build_id INTERFACE)
add_library(bt::build_id ALIAS bt_build_id)
target_include_directories(bt_build_id INTERFACE ${PROJECT_BINARY_DIR}/generated)
