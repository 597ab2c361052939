# Warnings and sanitizers as INTERFACE targets, linked privately so that they never reach a consumer.
add_library(bt_warnings INTERFACE)
add_library(bt::warnings ALIAS bt_warnings)
target_compile_options(bt_warnings INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wconversion
                       -Wno-sign-conversion $<$<BOOL:${BATCHTUNE_WERROR}>:-Werror>)
# g++ 12 and 13 report overlaps in std::string's operator+ that do not exist (GCC bug 105651).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 14)
  target_compile_options(bt_warnings INTERFACE -Wno-restrict)
endif()
add_library(bt_sanitizers INTERFACE)
add_library(bt::sanitizers ALIAS bt_sanitizers)
if(BATCHTUNE_SANITIZE)
  target_compile_options(bt_sanitizers INTERFACE -fsanitize=${BATCHTUNE_SANITIZE} -fno-omit-frame-pointer
                         -fno-sanitize-recover=all)
  target_link_options(bt_sanitizers INTERFACE -fsanitize=${BATCHTUNE_SANITIZE})
endif()
