#!/bin/sh
# The symbols of the libraries are those of tools/exports.txt, no fewer and no more.
#
#   exports.sh LIBRARY.SO LIBRARY.A EXPORTS.TXT
#
# An archive cannot hide names from its program, so there everything else must be called trix_, or trid_ in libtricolor-debug.
set -eu
shared=$1 archive=$2 list=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0

export LC_ALL=C
names() { sed 's/#.*//' "$list" | awk -v without="$1" 'NF && $2 != without { print $1 }' | sort; }
names archive >"$work/listed-shared"
names shared >"$work/listed-archive"
if grep -vnE '^(#.*|[a-z0-9_]+( (shared|archive))?)?$' "$list"; then
    echo "exports.txt: these lines are not NAME, NAME shared or NAME archive"
    bad=1
fi

# trix_os_fault is for tests, in builds with TRICOLOR_FAULTS.
# (nm would also show hidden ones, which bfd's linker lists for the beginning and end of a section.)
readelf --dyn-syms -W "$shared" | awk '$5 ~ /GLOBAL|WEAK/ && $6 ~ /DEFAULT|PROTECTED/ && $7 != "UND" { print $8 }' | sed 's/@.*//' | grep -vE '^trix_os_fault$|^__odr_asan\.' | sort >"$work/shared"
# What a compiler or sanitizer emits for its own purposes has a dot in it, or its name.
nm -g --defined-only "$archive" 2>/dev/null | awk 'NF == 3 { print $3 }' |
    grep -vE '^tri[xd]_|\.|^__(asan|tsan|ubsan|odr_asan|emutls)' | sort -u >"$work/archive"

compare() { # LISTED FOUND WHERE
    if ! diff -u "$1" "$2" >"$work/diff"; then
        echo "$3 differs from tools/exports.txt (- listed, + found):"
        sed -n '3,$p' "$work/diff" | grep '^[-+]'
        bad=1
    fi
}
compare "$work/listed-shared" "$work/shared" "$(basename "$shared")"
compare "$work/listed-archive" "$work/archive" "$(basename "$archive")"
[ "$bad" = 0 ] && echo "$(wc -l <"$work/listed-shared") names"
exit $bad
