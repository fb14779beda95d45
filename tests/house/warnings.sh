#!/bin/sh
# The library's files compile without a warning, by each compiler, as they are released and with every check on (that
# without generating code: it takes a quarter of the time, and a few warnings less).
#
#   warnings.sh SOURCE COMPILER...
set -eu
source=$1
shift
flags="-std=gnu11 -Wall -Wextra -Werror -fPIC -fvisibility=hidden -fexceptions -fno-strict-aliasing -D_GNU_SOURCE"
bad=0 done=0
for compiler; do
    for kind in "-O2 -DTRIX_SHARED" "-fsyntax-only -DTRIX_DEBUG -DTRIX_FAULTS -DTRIX_TORTURE"; do
        for file in "$source"/src/*/*.c; do
            # shellcheck disable=SC2086 # words are wanted
            if "$compiler" $flags $kind -DTRIX_VERSION='"0"' -I"$source/include" -c "$file" -o /dev/null; then
                done=$((done + 1))
            else
                echo "failed: $compiler $kind ${file#"$source"/}"
                bad=1
            fi
        done
    done
done
echo "$done compilations by $*"
exit $bad
