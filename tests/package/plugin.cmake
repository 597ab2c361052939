# Builds the example plugin outside of the tree against an installed batchtune, by find_package and by pkg-config, and
# tunes on it.
#   cmake -DPREFIX=<installation> -DSOURCE=<the example> -DWORK=<empty folder> -P plugin.cmake
cmake_minimum_required(VERSION 3.22)
file(REMOVE_RECURSE ${WORK})
file(COPY ${SOURCE}/ DESTINATION ${WORK}/source)
set(ENV{BATCHTUNE_DB} ${WORK}/sessions.db)

function(run)
  execute_process(COMMAND ${ARGN} WORKING_DIRECTORY ${WORK} RESULT_VARIABLE status OUTPUT_VARIABLE output
                  ERROR_VARIABLE errors)
  if(NOT status EQUAL 0)
    list(JOIN ARGN " " words)
    message(FATAL_ERROR "${words} ended with ${status}:\n${output}${errors}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

find_program(CC NAMES cc gcc clang)
if(NOT CC)
  message("SKIPPED: no C compiler")
  return()
endif()

# By find_package.
run(${CMAKE_COMMAND} -S source -B build -DCMAKE_PREFIX_PATH=${PREFIX})
run(${CMAKE_COMMAND} --build build)
file(GLOB plugin ${WORK}/build/libmatmul_plugin.so)
if(NOT plugin)
  message(FATAL_ERROR "the build made no libmatmul_plugin.so")
endif()
set(batchtune ${PREFIX}/bin/batchtune)
run(${batchtune} list devices --backend ./build/libmatmul_plugin.so)
if(NOT output MATCHES "matmul 1.0")
  message(FATAL_ERROR "the plugin is not listed:\n${output}")
endif()
run(${batchtune} backend-check ./build/libmatmul_plugin.so)
message(STATUS "${output}")
run(${batchtune} tune mlp@width=64 --backend ./build/libmatmul_plugin.so:block=16 --threads 1 --batches 1,2,4
    --budget 2s --probe-budget 2s --quiet)
if(NOT output MATCHES "^[124]\n$")
  message(FATAL_ERROR "tune --quiet said '${output}'")
endif()

# By pkg-config: from the installation's folder of .pc files, wherever the distribution puts it.
find_program(PKG_CONFIG pkg-config)
if(NOT PKG_CONFIG)
  message(STATUS "no pkg-config: not tried")
  return()
endif()
file(GLOB_RECURSE pc ${PREFIX}/lib*/batchtune.pc)
get_filename_component(folder "${pc}" DIRECTORY)
set(ENV{PKG_CONFIG_PATH} ${folder})
run(${PKG_CONFIG} --cflags batchtune)
string(STRIP "${output}" flags)
separate_arguments(flags)
run(${CC} -std=c99 -pedantic-errors -Wall -Wextra -Werror -O2 -fPIC -shared ${flags} source/matmul_plugin.c -o by_pkg_config.so)
run(${batchtune} backend-check ./by_pkg_config.so --rule run,batches)
