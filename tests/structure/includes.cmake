# Enforces the include table (DESIGN: includes only point down, and only along these pairs) over every
# #include line, keeps third-party headers in one place each, and keeps printing and the environment out of
# the library. It does not parse C++: it looks at lines, comments removed.
#   cmake -DROOT=<project> -P includes.cmake
cmake_minimum_required(VERSION 3.22)

# <folder> may include these folders or files (its own always). The longest matching folder decides.
set(modules
  tuner/core tuner/statistics tuner/workload tuner/estimate tuner/backend tuner/backend/cpu
  tuner/backend/imported tuner/backend/onednn tuner/measure
  tuner/search tuner/track tuner/deploy tuner/cli storage reports kernels kernels/probe)
set(may_tuner/core)
set(may_tuner/statistics tuner/core)
set(may_tuner/workload tuner/core)
set(may_tuner/estimate tuner/core tuner/statistics tuner/workload)
set(may_tuner/backend tuner/core tuner/workload)
set(may_tuner/backend/cpu tuner/core tuner/workload tuner/backend kernels)
# Imported graphs lowered to kernels of our own, for the backends that have some.
set(may_tuner/backend/imported tuner/core tuner/workload tuner/backend/backend.h kernels)
set(may_tuner/backend/onednn tuner/core tuner/workload tuner/backend kernels)
set(may_tuner/measure tuner/core tuner/statistics tuner/workload tuner/backend/backend.h tuner/backend/dynamic_batch.h)
set(may_tuner/search tuner/core tuner/statistics tuner/workload tuner/estimate tuner/measure
    tuner/backend/backend.h)
set(may_tuner/track tuner/core tuner/statistics)
set(may_tuner/deploy tuner/core tuner/statistics tuner/workload tuner/estimate tuner/measure tuner/search)
set(may_tuner/cli tuner kernels storage reports)
set(may_storage tuner/core)
set(may_reports tuner/core)
set(may_kernels kernels/probe)  # benchmarks hold kernels against the peaks
# The main executable links probe, and must not bring oneTBB along: no arena.h there.
set(may_kernels/probe kernels/isa.h kernels/dtype.h kernels/aligned_buffer.h kernels/bfloat16.h kernels/simd/tiles.h)

# Third-party headers: <name> <regex of the include> <regex of the files that may have it>
set(third_party
  "CLI11"             "^CLI/"                    "^tuner/cli/arguments.cpp"
  "toml++"            "^toml"                    "^tuner/cli/models_file.cpp"
  "SQLite"            "^(sqlite3|SQLiteCpp)"     "^storage/"
  "ONNX"              "^(onnx|google/protobuf)/" "^tuner/workload/onnx/"
  "zlib"              "^zlib.h"                  "^tuner/workload/samples/"
  "oneDNN"            "^(oneapi/dnnl|dnnl)"      "^tuner/backend/onednn/"
  "oneTBB"            "^(tbb|oneapi/tbb)/"          "^(kernels/arena|tuner/backend/onednn/lanes_tbb)"
  "Google Benchmark"  "^benchmark/"              "^(tuner/measure/|kernels/.*bench|tuner/backend/cpu/.*bench)"
  "Catch2"            "^catch2/"                 "^tests/"
  "Boost"             "^boost/"                  "^tuner/statistics/"
  "Eigen"             "^Eigen/"                  "^tuner/statistics/"
  "nlohmann-json"     "^nlohmann/"
    "^(tuner/(workload|estimate|backend|measure|cli)|storage|reports)/"
  "fmt"               "^fmt/"                    "^(tuner/(workload|estimate|backend|measure|search|track|deploy|cli)|storage|reports)/"
  "tl::expected"      "^tl/"                     "^(tuner|storage|reports)/"
  "dlopen"            "^dlfcn.h"                 "^tuner/backend/"
  "the command line"  "^tuner/cli/"              "^tuner/cli/")

set(complaints)
function(complain file text)
  set(complaints ${complaints} "  ${file}: ${text}" PARENT_SCOPE)
endfunction()

# The longest of `modules` that `path` lies in, or "".
function(module_of path result)
  set(found "")
  foreach(module IN LISTS modules)
    string(LENGTH "${module}" length)
    string(LENGTH "${found}" found_length)
    string(FIND "${path}" "${module}/" position)
    if(position EQUAL 0 AND length GREATER found_length)
      set(found ${module})
    endif()
  endforeach()
  set(${result} "${found}" PARENT_SCOPE)
endfunction()

function(check_own_include file module header)
  module_of(${header} target)
  if(target STREQUAL "${module}")
    return()
  endif()
  foreach(allowed IN LISTS may_${module})
    string(FIND "${header}/" "${allowed}/" position)
    if(position EQUAL 0)
      return()
    endif()
  endforeach()
  complain(${file} "${module} may not include ${header}")
  set(complaints ${complaints} PARENT_SCOPE)
endfunction()

function(check_third_party file header)
  list(LENGTH third_party count)
  math(EXPR last "${count} - 1")
  foreach(index RANGE 0 ${last} 3)
    math(EXPR index_of_header "${index} + 1")
    math(EXPR index_of_place "${index} + 2")
    list(GET third_party ${index} name)
    list(GET third_party ${index_of_header} pattern)
    list(GET third_party ${index_of_place} place)
    if("${header}" MATCHES "${pattern}" AND NOT "${file}" MATCHES "${place}")
      complain(${file} "${name} is not for this place: ${header} (allowed: ${place})")
    endif()
  endforeach()
  set(complaints ${complaints} PARENT_SCOPE)
endfunction()

function(check_words file)
  if("${file}" MATCHES "^tuner/cli/" OR "${file}" MATCHES "bench")
    return()
  endif()
  file(READ ${ROOT}/${file} text)
  string(REGEX REPLACE "//[^\n]*" "" text "\n${text}")
  if(file MATCHES "^tuner/(measure/worker_process|backend/command/child).cpp")  # hands it on to its child, unread
    string(REGEX REPLACE "[^a-zA-Z_]environ[^a-zA-Z_]" " " text "${text}")
  endif()
  if("${text}" MATCHES "[^a-zA-Z_](secure_getenv|getenv|setenv|environ)[^a-zA-Z_]")
    complain(${file} "reads the environment (${CMAKE_MATCH_1}), which is for tuner/cli alone")
  endif()
  if("${text}" MATCHES "(std::cout|std::cerr|std::clog)" OR
     "${text}" MATCHES "[^a-zA-Z_](printf|fprintf|vfprintf|puts|fputs|putchar|perror)[ ]*\\(")
    complain(${file} "prints (${CMAKE_MATCH_1}), which is for tuner/cli alone")
  endif()
  if("${text}" MATCHES "[^a-zA-Z_.>](exit|quick_exit)[ ]*\\(")
    complain(${file} "ends the process (${CMAKE_MATCH_1})")
  endif()
  set(complaints ${complaints} PARENT_SCOPE)
endfunction()

file(GLOB_RECURSE files RELATIVE ${ROOT} ${ROOT}/tuner/*.h ${ROOT}/tuner/*.cpp ${ROOT}/kernels/*.h
     ${ROOT}/kernels/*.cpp ${ROOT}/storage/*.h ${ROOT}/storage/*.cpp ${ROOT}/reports/*.h ${ROOT}/reports/*.cpp)
list(LENGTH files count)
if(count EQUAL 0)
  message(FATAL_ERROR "no source file under ${ROOT}")
endif()
foreach(file IN LISTS files)
  module_of(${file} module)
  if(module STREQUAL "")
    complain(${file} "lies in no module of the include table")
    continue()
  endif()
  file(STRINGS ${ROOT}/${file} lines REGEX "^[ \t]*#[ \t]*include")
  foreach(line IN LISTS lines)
    if(NOT line MATCHES "include[ \t]*[<\"]([^>\"]+)[>\"]")
      continue()
    endif()
    set(header ${CMAKE_MATCH_1})
    if(header MATCHES "^(tuner|kernels|storage|reports|tests)/")
      check_own_include(${file} ${module} ${header})
    endif()
    check_third_party(${file} ${header})
  endforeach()
  check_words(${file})
endforeach()

if(complaints)
  list(JOIN complaints "\n" text)
  message(FATAL_ERROR "The include table is broken:\n${text}")
endif()
message(STATUS "${count} files keep the include table")
