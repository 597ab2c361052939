# Sourced by quickstart.sh and test.sh: configure and build quietly, the log's tail on failure.
# bt_build <name> <what> cmake-options...   builds in build/<name>; its log is build/<name>.log.
bt_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

bt_build() {
  local name=$1 what=$2 start=$SECONDS
  shift 2
  local folder=$bt_root/build/$name log=$bt_root/build/$name.log
  mkdir -p "$bt_root/build"
  printf 'Building %s in build/%s ...\n' "$what" "$name" >&2
  if ! { cmake -S "$bt_root" -B "$folder" -G Ninja "$@" && cmake --build "$folder" --parallel "$(nproc)"; } \
       >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    printf 'batchtune: the build failed; the whole log is %s\n' "$log" >&2
    return 1
  fi
  printf 'Built in %d s.\n' $((SECONDS - start)) >&2
}
