# Fails when an object compiled for a wide instruction set defines a weak (shared inline) symbol.
# cmake -DOBJECTS="a.o;b.o" -P IsaSymbols.cmake
cmake_minimum_required(VERSION 3.22)
foreach(object IN LISTS OBJECTS)
  execute_process(COMMAND nm -C --defined-only ${object} OUTPUT_VARIABLE symbols RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "nm failed on ${object}")
  endif()
  string(REGEX MATCHALL "[0-9a-f]+ [Wu] [^\n]*" leaks "${symbols}")
  if(leaks)
    message(FATAL_ERROR "${object} defines shared inline code, which must not be compiled with wide instructions:\n${leaks}")
  endif()
endforeach()
