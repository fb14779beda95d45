#!/bin/sh
# Compiles an example with tricc -m, and compares what it decides with NAME.m and what the program prints with NAME.out.
#
#   check.sh TRICC LIBRARY-DIRECTORY SOURCE WORK
set -eu
tricc=$1 library=$2 source=$3 work=$4
folder=$(dirname "$source") name=$(basename "$source" .c)
mkdir -p "$work"
cd "$folder"
"$tricc" -O1 -m -w "$name.c" -o "$work/$name" >"$work/$name.said" 2>&1
diff -u "$name.m" "$work/$name.said"
LD_LIBRARY_PATH=$library "$work/$name" | diff -u "$name.out" -
echo "as expected"
