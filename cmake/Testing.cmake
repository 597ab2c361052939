# bt_add_test(<module> SOURCES ... LINK ... [LABELS ...]): one test executable per module, test_<module>.
# tests/support/catch.h picks Catch2 v2 or v3; a case that calls BT_SKIP(reason) counts as skipped in CTest.
find_package(Catch2 REQUIRED)
include(Catch)
function(bt_add_test module)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK;LABELS" ${ARGN})
  add_executable(test_${module} ${ARG_SOURCES})
  target_link_libraries(test_${module} PRIVATE ${ARG_LINK} Catch2::Catch2WithMain bt_warnings bt_sanitizers)
  target_include_directories(test_${module} PRIVATE ${PROJECT_SOURCE_DIR})
  target_compile_definitions(test_${module} PRIVATE
    BT_TEST_DATA="${PROJECT_SOURCE_DIR}/tests/data" BT_TEST_GOLDEN="${PROJECT_SOURCE_DIR}/tests/golden")
  set(labels ${ARG_LABELS})
  if(NOT labels)
    set(labels unit)
  endif()
  catch_discover_tests(test_${module} TEST_PREFIX "${module}: " DISCOVERY_MODE PRE_TEST
    PROPERTIES LABELS "${labels}" TIMEOUT 300 SKIP_REGULAR_EXPRESSION "SKIPPED:")
endfunction()
