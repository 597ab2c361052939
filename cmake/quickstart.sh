#!/usr/bin/env bash
# From a fresh clone to a recommendation: installs what is missing, builds the product alone, tunes a model.
#   cmake/quickstart.sh [MODEL] [options of `batchtune tune`]     MODEL: shufflenet-v2 unless said otherwise
set -euo pipefail
source "$(dirname "$0")/build.sh"

"$bt_root/cmake/packages.sh"
bt_build quickstart "batchtune (without tests and benchmarks)" \
  -DCMAKE_BUILD_TYPE=Release -DBATCHTUNE_UNITY=ON -DBATCHTUNE_BUILD_TESTS=OFF -DBATCHTUNE_BUILD_BENCHMARKS=OFF

[[ $# -gt 0 && "$1" != -* ]] || set -- shufflenet-v2 "$@"
batchtune=$bt_root/build/quickstart/bin/batchtune
printf '%s tune %s\n\n' "${batchtune#"$PWD"/}" "$*" >&2
exec "$batchtune" tune "$@"
