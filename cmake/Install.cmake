# Installation: bin/batchtune, lib/batchtune/*.so (found relative to the executable), licence and README.
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/README.md
        DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/doc/batchtune)
