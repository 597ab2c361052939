#!/usr/bin/env bash
# Installs what is missing, builds everything with warnings as errors, runs all tests. Arguments go to ctest:
#   cmake/test.sh                 everything
#   cmake/test.sh -L unit         one label (unit, kernels, structure, end_to_end, package)
set -euo pipefail
source "$(dirname "$0")/build.sh"

"$bt_root/cmake/packages.sh" --tests
bt_build ci "everything with its tests" -DCMAKE_BUILD_TYPE=Release -DBATCHTUNE_WERROR=ON -DBATCHTUNE_UNITY=ON \
  -DBATCHTUNE_BUILD_TESTS=ON -DBATCHTUNE_BUILD_BENCHMARKS=ON

build=$bt_root/build/ci
log=$bt_root/build/ctest.log
status=0
# The summary is held back so that the reasons of skipped tests come before it and it stays last.
ctest --test-dir "$build" --output-on-failure --no-tests=error -j "$(nproc)" "$@" 2>&1 |
  tee "$log" | sed -u -e '/^ *Start *[0-9]*:/d' -e '/tests passed,/,$d' || status=$?
reasons=$(grep -ho 'SKIPPED: .*' "$build/Testing/Temporary/LastTest.log" 2>/dev/null | sort | uniq -c || true)
[[ -z "$reasons" ]] || printf 'Skipped, by reason:\n%s\n\n' "$reasons"
sed -n '/tests passed,/,$p' "$log"
exit "$status"
