#!/bin/sh
# Builds a fuzz target with libFuzzer, and runs it: so many runs from a fixed seed (a test), or so many seconds from any (make fuzz).
#
#   fuzz.sh SOURCE LIBRARY-DIRECTORY WORK TARGET runs N
#   fuzz.sh SOURCE LIBRARY-DIRECTORY WORK TARGET seconds N
set -eu
source=$1 library=$2 work=$3 target=$4 unit=$5 n=$6

clang=
for name in clang clang-19 clang-18 clang-17 clang-16 clang-15 clang-14; do
    command -v $name >/dev/null && clang=$name && break
done
[ -n "$clang" ] || { echo "no clang" && exit 77; }
mkdir -p "$work/corpus-$target"
cd "$work"
echo 'int LLVMFuzzerTestOneInput(const unsigned char *d, unsigned long n) { return d && n == 12345; }' >probe.c
$clang -fsanitize=fuzzer probe.c -o probe 2>probe.log || { echo "$clang has no libFuzzer" && exit 77; }

$clang -std=gnu11 -O1 -g -Wall -Wextra -fsanitize=fuzzer -D_GNU_SOURCE -I"$source/include" "$source/tests/data/$target.c" \
    -o "$target" -L"$library" -Wl,-rpath,"$library" -ltricolor
export GOGC=5 GODEBUG=clobberfree=1,gccheckmark=1
# The heap's address space is no memory: no limits of the fuzzer's on it.
case $unit in
runs) exec "./$target" -runs="$n" -seed=1 -max_len=4096 -len_control=0 -rss_limit_mb=0 -verbosity=0 ;;
seconds) exec "./$target" -max_total_time="$n" -max_len=8192 -rss_limit_mb=0 "corpus-$target" ;;
esac
