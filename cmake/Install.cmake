# Installation: bin/batchtune, lib/batchtune/*.so (found relative to the executable), licence and README; for authors
# of plugins include/batchtune/plugin_abi.h, which find_package(batchtune) and pkg-config (batchtune.pc) find.
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/README.md
        DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/doc/batchtune)
install(FILES ${PROJECT_SOURCE_DIR}/tuner/backend/plugin/plugin_abi.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/batchtune)

# The package has one target, batchtune::plugin_abi, and says where the program is (batchtune_EXECUTABLE).
include(CMakePackageConfigHelpers)
set(bt_package ${CMAKE_INSTALL_LIBDIR}/cmake/batchtune)
install(TARGETS bt_plugin_abi EXPORT batchtune_targets)
install(EXPORT batchtune_targets NAMESPACE batchtune:: DESTINATION ${bt_package})
set(BT_EXECUTABLE bin/batchtune)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/batchtune-config.cmake.in
  ${PROJECT_BINARY_DIR}/package/batchtune-config.cmake INSTALL_DESTINATION ${bt_package} PATH_VARS BT_EXECUTABLE)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/package/batchtune-config-version.cmake
  COMPATIBILITY SameMajorVersion)
install(FILES ${PROJECT_BINARY_DIR}/package/batchtune-config.cmake
              ${PROJECT_BINARY_DIR}/package/batchtune-config-version.cmake DESTINATION ${bt_package})

# Its prefix is where the file lies, so that an installation can be moved.
set(bt_pc_folder ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH BT_PREFIX_FROM_PC /${bt_pc_folder} /)
configure_file(${CMAKE_CURRENT_LIST_DIR}/batchtune.pc.in ${PROJECT_BINARY_DIR}/package/batchtune.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/package/batchtune.pc DESTINATION ${bt_pc_folder})
