# Everything the product needs, from the system's packages (cmake/packages.sh has their names).
find_package(Threads REQUIRED)
find_package(TBB REQUIRED)                 # kernels (behind arena.h) only
find_package(benchmark REQUIRED)           # measure and the kernels' benchmarks
find_package(SQLite3 REQUIRED)             # storage only
find_package(CLI11 REQUIRED)               # cli only
find_package(nlohmann_json REQUIRED)
find_path(TOMLPLUSPLUS_INCLUDE_DIR toml++/toml.h REQUIRED)   # cli only, as headers alone
find_package(fmt REQUIRED)
find_package(tl-expected REQUIRED)
find_package(ZLIB REQUIRED)                # workload/samples only
find_package(Boost REQUIRED)               # headers: Boost.Math in statistics
find_package(Eigen3 REQUIRED)              # least squares in statistics
