# Writes build_id.h from the content of the listed files; leaves it alone when nothing changed.
cmake_minimum_required(VERSION 3.22)
file(STRINGS ${SOURCES} files)
set(all "${VERSION} ${COMPILER} ${BUILD_TYPE} ${SANITIZE}")
foreach(file IN LISTS files)
  file(SHA1 ${file} hash)
  string(APPEND all " ${hash}")
endforeach()
string(SHA1 id "${all}")
string(SUBSTRING ${id} 0 16 id)
file(CONFIGURE OUTPUT ${HEADER} CONTENT [=[
#pragma once
// Written by cmake/BuildIdHash.cmake. Equal in the executable and in the modules built with it.
namespace batchtune {
inline constexpr char kVersion[] = "@VERSION@";
inline constexpr char kBuildId[] = "@VERSION@-@id@";
inline constexpr char kCompiler[] = "@COMPILER@";
inline constexpr char kBuildType[] = "@BUILD_TYPE@";
}  // namespace batchtune
]=] @ONLY)
