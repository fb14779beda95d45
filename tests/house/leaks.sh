#!/bin/sh
# A user's program under the address sanitizer, with the library as released.
#
#   leaks.sh SOURCE CC LIBRARY-DIRECTORY WORK
set -eu
source=$1 cc=$2 libdir=$3 work=$4
mkdir -p "$work"
flags="-g -O1 -Wall -Wextra -fsanitize=address,undefined -fno-omit-frame-pointer -pthread -I$source/include"
export LD_LIBRARY_PATH="$libdir" ASAN_OPTIONS=detect_leaks=1

# shellcheck disable=SC2086 # words are wanted
"$cc" $flags "$source/tests/house/leaks.c" -o "$work/leaks" -L"$libdir" -ltricolor
"$work/leaks" >"$work/leaks.out" 2>"$work/leaks.err"
if ! printf 'held: no leak\nlost: a leak\n' | diff - "$work/leaks.out"; then
    cat "$work/leaks.err"
    exit 1
fi

# shellcheck disable=SC2086 # words are wanted
"$cc" $flags "$source/tests/install/consumer.c" -o "$work/consumer" -L"$libdir" -ltricolor
"$work/consumer"
