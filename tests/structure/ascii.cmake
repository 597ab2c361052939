# Sources are ASCII: a stray quote or minus from a word processor looks right and is not.
#   cmake -DROOT=<project> -P ascii.cmake
cmake_minimum_required(VERSION 3.22)
execute_process(
  COMMAND ${CMAKE_COMMAND} -E env LC_ALL=C grep -rnI --include=*.h --include=*.cpp --include=*.sql --include=*.cmake
          --include=*.sh --include=*.json --include=CMakeLists.txt --exclude-dir=build "[^ -~\t]"
          tuner kernels storage reports tests cmake CMakeLists.txt
  WORKING_DIRECTORY ${ROOT} OUTPUT_VARIABLE found RESULT_VARIABLE status)
if(status EQUAL 0)
  message(FATAL_ERROR "not ASCII:\n${found}")
elseif(NOT status EQUAL 1)
  message(FATAL_ERROR "grep failed: ${status}")
endif()
