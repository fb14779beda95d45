#!/bin/sh
# memcheck has nothing to say of a program on the collected heap: threads, stops, collections.
#
#   valgrind.sh PROGRAM [ARGUMENT...]
set -eu
if ! command -v valgrind >/dev/null; then
    echo "skipped: valgrind is not installed"
    exit 77
fi
exec valgrind --error-exitcode=9 --num-callers=20 "$@"
