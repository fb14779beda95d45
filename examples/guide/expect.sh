#!/bin/sh
# Runs a program, and compares all it prints, on either stream, with a file.
#
#   expect.sh EXPECTED PROGRAM [ARGUMENT...]
set -eu
expected=$1
shift
"$@" 2>&1 | diff -u "$expected" - && echo "as expected"
