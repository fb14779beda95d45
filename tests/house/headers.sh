#!/bin/sh
# Each public header compiles alone, as C11 and C++17, by each compiler there is, as a strict user would; and so does a
# program that uses every macro. The library's own headers stand alone too.
#
#   headers.sh SOURCE COMPILER...
set -eu
source=$1
shift
warnings="-Wall -Wextra -Wpedantic -Werror"
bad=0 done=0

try() { # COMPILER LANGUAGE STANDARD FILE
    # shellcheck disable=SC2086 # words are wanted
    if "$1" -x "$2" -std="$3" $warnings -O2 -I"$source/include" -c "$4" -o /dev/null; then
        done=$((done + 1))
    else
        echo "failed: $1 -std=$3 $4"
        bad=1
    fi
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for compiler; do
    for header in "$source"/include/tricolor.h "$source"/include/tricolor/*.h; do
        path=${header#"$source"/include/}
        printf '#include <%s>\n#include <%s>\nint main(void) { return 0; }\n' "$path" "$path" >"$work/alone.c"
        try "$compiler" c c11 "$work/alone.c"
        try "$compiler" c++ c++17 "$work/alone.c"
    done
    for standard in c11 gnu11 gnu17; do try "$compiler" c $standard "$source/tests/house/every_macro.c"; done
    for standard in c++17 gnu++20; do try "$compiler" c++ $standard "$source/tests/house/every_macro.c"; done
done
for header in "$source"/src/*/*.h; do
    printf '#define _GNU_SOURCE\n#include "%s"\n' "$header" >"$work/alone.c"
    try "$1" c gnu11 "$work/alone.c"
done
echo "$done compilations by $*"
exit $bad
