# Warnings and sanitizers as INTERFACE targets, linked privately so that they never reach a consumer.
add_library(bt_warnings INTERFACE)
add_library(bt::warnings ALIAS bt_warnings)
target_compile_options(bt_warnings INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wconversion
                       -Wno-sign-conversion $<$<BOOL:${BATCHTUNE_WERROR}>:-Werror>)
# False alarms of g++ inside the standard library: overlaps in std::string's operator+ (12 and 13, GCC bug 105651)
# and members of std::variant that "may be used uninitialized" (14, GCC bug 105562).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(bt_warnings INTERFACE -Wno-restrict -Wno-maybe-uninitialized)
endif()
add_library(bt_sanitizers INTERFACE)
add_library(bt::sanitizers ALIAS bt_sanitizers)
if(BATCHTUNE_SANITIZE)
  target_compile_options(bt_sanitizers INTERFACE -fsanitize=${BATCHTUNE_SANITIZE} -fno-omit-frame-pointer
                         -fno-sanitize-recover=all)
  target_link_options(bt_sanitizers INTERFACE -fsanitize=${BATCHTUNE_SANITIZE})
endif()
