# bt_add_library(<module> [UNITY] SOURCES ... [PUBLIC targets...] [PRIVATE targets...])
# One static library per module with alias bt::<module>; headers are included from the project root.
# The link edges repeat the include table that tests/structure enforces.
# UNITY: with -DBATCHTUNE_UNITY=ON a dozen of its sources are compiled together, so that the templates which all of
# them use are made once. Names in its unnamed namespaces must differ, then.
function(bt_add_library module)
  cmake_parse_arguments(ARG "UNITY" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(bt_${module} STATIC ${ARG_SOURCES})
  add_library(bt::${module} ALIAS bt_${module})
  if(ARG_UNITY AND BATCHTUNE_UNITY)
    set_target_properties(bt_${module} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 12)
    target_compile_options(bt_${module} PRIVATE -Wno-subobject-linkage)  # each source is included by another one
  endif()
  target_include_directories(bt_${module} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>)
  target_link_libraries(bt_${module} PUBLIC ${ARG_PUBLIC}
                        PRIVATE ${ARG_PRIVATE} $<BUILD_INTERFACE:bt_warnings> $<BUILD_INTERFACE:bt_sanitizers>)
endfunction()

# bt_compile_together(<module> <group> sources...): of a library whose users rely on taking some of its objects alone
# (those that need no protobuf), these sources together, with -DBATCHTUNE_UNITY=ON. Who takes one of them takes all.
function(bt_compile_together module group)
  if(BATCHTUNE_UNITY)
    list(TRANSFORM ARGN PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/ OUTPUT_VARIABLE sources)
    set_source_files_properties(${sources} TARGET_DIRECTORY bt_${module} PROPERTIES UNITY_GROUP ${group})
    set_target_properties(bt_${module} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
    target_compile_options(bt_${module} PRIVATE -Wno-subobject-linkage)
  endif()
endfunction()

set(BT_ISA_FLAGS_avx2 -mavx2 -mfma -mf16c)
set(BT_ISA_FLAGS_avx512 -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx2 -mfma)
set(BT_ISA_FLAGS_avx512bf16 ${BT_ISA_FLAGS_avx512} -mavx512bf16)
set(BT_ISA_FLAGS_amx ${BT_ISA_FLAGS_avx512bf16} -mamx-tile -mamx-bf16)

# bt_add_isa_sources(<target> <isa> sources...): files compiled for one instruction set, added to <target>,
# and a test that they leak no inline code (a shared inline function compiled with wide instructions may be
# the copy that the linker keeps for everyone).
function(bt_add_isa_sources target isa)
  add_library(${target}_${isa} OBJECT ${ARGN})
  target_include_directories(${target}_${isa} PRIVATE ${PROJECT_SOURCE_DIR})
  target_compile_options(${target}_${isa} PRIVATE ${BT_ISA_FLAGS_${isa}} $<$<CONFIG:Debug>:-O2>
                         $<$<CONFIG:Release>:-O3>)
  target_link_libraries(${target}_${isa} PRIVATE bt_warnings)
  target_sources(${target} PRIVATE $<TARGET_OBJECTS:${target}_${isa}>)
  if(BATCHTUNE_BUILD_TESTS)
    add_test(NAME structure.isa_symbols.${target}.${isa}
             COMMAND ${CMAKE_COMMAND} "-DOBJECTS=$<JOIN:$<TARGET_OBJECTS:${target}_${isa}>,$<SEMICOLON>>"
                     -P ${PROJECT_SOURCE_DIR}/cmake/IsaSymbols.cmake)
    set_tests_properties(structure.isa_symbols.${target}.${isa} PROPERTIES LABELS structure)
  endif()
endfunction()

# bt_add_backend_module(<name> SOURCES ... LINK ...): a backend in a shared library of its own, loaded by the
# worker that uses it (lib/batchtune/<name>.so).
function(bt_add_backend_module name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_library(bt_backend_${name} MODULE ${ARG_SOURCES})
  set_target_properties(bt_backend_${name} PROPERTIES PREFIX "" OUTPUT_NAME ${name}
                        LIBRARY_OUTPUT_DIRECTORY ${BT_MODULE_DIRECTORY})
  target_include_directories(bt_backend_${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(bt_backend_${name} PRIVATE ${ARG_LINK} bt::build_id bt_warnings bt_sanitizers)
  if(NOT BATCHTUNE_SANITIZE)  # a sanitizer's runtime is the executable's
    target_link_options(bt_backend_${name} PRIVATE LINKER:-z,defs)  # a missing symbol fails here, not when loaded
  endif()
  set_property(GLOBAL APPEND PROPERTY BT_BACKEND_MODULES bt_backend_${name})
  install(TARGETS bt_backend_${name} LIBRARY DESTINATION lib/batchtune)
endfunction()
