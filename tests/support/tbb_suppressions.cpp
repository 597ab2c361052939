// What sanitizers report of oneTBB itself, whose binary is not instrumented. Linked into every test
// executable that has an Arena; our own code has no suppressions.
#if defined(__SANITIZE_THREAD__)
// Its own frees look like races. Ours do not come from `delete`.
extern "C" const char* __tsan_default_suppressions() {
  return "race_top:operator delete\n";
}
#endif
#if defined(__SANITIZE_ADDRESS__)
// A worker that is still on its way out when the process ends holds the 40 bytes of an observer's
// proxy.
extern "C" const char* __lsan_default_suppressions() {
  return "leak:tbb::detail::r1::observe\n";
}
#endif
