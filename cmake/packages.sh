#!/usr/bin/env bash
# Installs the packages that batchtune needs, if any is missing: packages.sh [--tests]
# Says nothing when all are there, so that it runs without root then. The names are the same on Debian 12 and 13
# and on Ubuntu 22.04 and 24.04; versions differ (Catch2 is v2 on Debian 12 and Ubuntu 22.04, v3 on the others:
# tests/support/catch.h takes both). Tried on Debian 12 and 13.
set -euo pipefail

packages=(cmake ninja-build g++ libbenchmark-dev libtbb-dev libsqlite3-dev libcli11-dev
          nlohmann-json3-dev libfmt-dev libexpected-dev libboost-dev libeigen3-dev
          libtomlplusplus-dev libonnx-dev libprotobuf-dev protobuf-compiler zlib1g-dev libdnnl-dev)
if [[ "${1:-}" == --tests ]]; then
  # sqlite3: the shell, with which tests look at a database from outside; pkg-config: as authors of plugins use it
  packages+=(catch2 sqlite3 pkg-config)
fi

fail() { printf 'batchtune: %s\n' "$*" >&2; exit 1; }

if ! command -v dpkg-query >/dev/null; then
  printf 'batchtune: this is not Debian or Ubuntu, so packages are left to you. Needed: %s\n' "${packages[*]}" >&2
  exit 0   # the configure step names what it does not find
fi

missing=()
for package in "${packages[@]}"; do
  state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
  [[ "$state" == installed ]] || missing+=("$package")
done
[[ ${#missing[@]} -eq 0 ]] && exit 0

as_root=()
if [[ $(id -u) -ne 0 ]]; then
  command -v sudo >/dev/null ||
    fail "these packages are missing and there is neither root nor sudo: ${missing[*]}. Ask an administrator: apt-get install ${missing[*]}"
  as_root=(sudo)
fi

printf 'Installing %s ...\n' "${missing[*]}" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# An apt-get update that fails (one source of several is down) need not matter: the installation decides.
"${as_root[@]}" apt-get update >"$log" 2>&1 || true
if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
     apt-get install -y --no-install-recommends "${missing[@]}" >>"$log" 2>&1; then
  tail -n 15 "$log" >&2
  fail "apt-get could not install: ${missing[*]}"
fi
