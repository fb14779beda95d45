#!/bin/sh
# The second machine: cross-built for aarch64, and run under qemu-user: a program with threads and collections (shared,
# and fully static), the demonstration's self-test, the unit tests, and torture's mixture.
#
#   run.sh SOURCE WORK [TRICC]      with TRICC, also the tests of its barriers, fewer rounds of them
set -eu
source=$1 work=$2 tricc=${3-}
here=$(cd "$(dirname "$0")" && pwd)
cc=aarch64-linux-gnu-gcc

for tool in $cc qemu-aarch64; do
    if ! command -v $tool >/dev/null; then
        echo "skipped: $tool is not installed"
        exit 77
    fi
done

step() { echo "--- $*" && "$@"; }
# qemu keeps a record of each page of address space: of the heap's usual reservation, 1 TiB, it would need 4 GB.
emulate() { (ulimit -v 8000000 && step qemu-aarch64 -L /usr/aarch64-linux-gnu -E LD_LIBRARY_PATH="$work/src" "$@"); }

mkdir -p "$work"
cmake -S "$source" -B "$work" -DCMAKE_TOOLCHAIN_FILE="$source/cmake/aarch64-linux-gnu.cmake" -DTRICOLOR_TESTS=OFF \
    >"$work/build.log"
cmake --build "$work" -j2 --target tricolor tricolor_static tricolor_checked search >>"$work/build.log" 2>&1 || {
    cat "$work/build.log"
    exit 1
}
if grep -q 'warning:' "$work/build.log"; then
    grep -A 5 'warning:' "$work/build.log"
    exit 1
fi

flags="-O2 -Wall -Wextra -Werror -pthread -D_GNU_SOURCE -I$source/include"
# shellcheck disable=SC2086 # words are wanted
{
    step $cc $flags "$source/tests/install/consumer.c" -o "$work/shared" -L"$work/src" -ltricolor
    step $cc $flags -static "$source/tests/install/consumer.c" -o "$work/static" "$work/src/libtricolor.a"
    step $cc $flags "$source"/tests/torture/mixture/*.c -o "$work/mixture" -L"$work/src" -ltricolor
    for test in "$source"/tests/unit/*_test.c; do
        name=$(basename "$test" _test.c)
        $cc $flags -DTRIX_DEBUG -DTRIX_FAULTS -I"$here" -I"$source/src" "$test" -o "$work/unit_$name" \
            "$work/src/libtricolor_checked.a" -lm
    done
}
emulate "$work/shared"
emulate "$work/static"
for test in "$source"/tests/unit/*_test.c; do emulate "$work/unit_$(basename "$test" _test.c)"; done
emulate "$work/examples/search/search" --selftest
for seed in 1 2 3; do emulate -E GODEBUG=clobberfree=1 "$work/mixture" --steps 40 --seed $seed --forks 0; done # qemu's threads take no fork

[ -n "$tricc" ] || exit 0
for name in stores copies libc signals; do
    step "$tricc" --target=aarch64-linux-gnu -O2 -Wall -Wextra -Werror -c "$source/tests/tricc/barriers/$name.c" -o "$work/barriers_$name.o"
    step $cc "$work/barriers_$name.o" -o "$work/barriers_$name" -L"$work/src" -ltricolor -pthread
    emulate "$work/barriers_$name" 2000
done
