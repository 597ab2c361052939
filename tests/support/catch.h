// Catch2 v2 or v3, whichever the system has, and BT_SKIP for cases that this machine cannot run.
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
using Catch::Approx;
#else
#include <catch2/catch.hpp>
#endif

// First statement of a case: CTest counts the case as skipped (cmake/Testing.cmake).
#define BT_SKIP(reason)         \
  do {                          \
    WARN("SKIPPED: " << reason); \
    return;                     \
  } while (false)
