#!/bin/sh
# A program that links the archive and calls none of the names that the library interposes has them all the same, where the libraries
# that it uses find them: those of tools/exports.txt that are in the archive and not tricolor's own.
#
#   interposed.sh PROGRAM EXPORTS.TXT
set -eu
program=$1 list=$2
export LC_ALL=C
readelf --dyn-syms -W "$program" | awk '$7 != "UND" { print $8 }' | sed 's/@.*//' | sort -u >"$program.has"
sed 's/#.*//' "$list" | awk 'NF == 1 && $1 !~ /^tri_/ { print $1 }' | sort | comm -23 - "$program.has" >"$program.lacks"
[ -s "$program.lacks" ] || exit 0
echo "not in a program that links the archive:" $(cat "$program.lacks")
exit 1
