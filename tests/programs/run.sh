#!/bin/sh
# Builds one program with tricc -fmanaged-malloc and runs its tests under a collector that works as often as it can.
#
#   run.sh NAME BUILD-FOLDER TRICC
#
# Sources are fetched once, into BUILD-FOLDER/sources (fetch.sh). The environment may say GOGC, GODEBUG and CFLAGS. Exits
# 77 when the sources, or what the program needs, cannot be had.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
program=$1 folder=$2 tricc=$3
CC="$tricc -fmanaged-malloc" CFLAGS=${CFLAGS--O2 -g} LIBS=
needs=
export CC CFLAGS
. "$here/common.sh"
. "$here/$program.sh"

mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
sources=$folder/sources
for tool in $needs; do command -v "$tool" >/dev/null || skip "$tool is not there"; done
"$here/fetch.sh" "$sources" $packages || { [ $? = 77 ] && exit 77; exit 1; }

rm -rf "$folder/$program"
mkdir -p "$folder/$program"
cd "$folder/$program"
log=$folder/$program.log
export TRICC_VERIFY=1 # tricc looks whether what it makes is sound LLVM
build
export GOGC="${GOGC-10}" GODEBUG="${GODEBUG-gccheckmark=1,clobberfree=1}"
check
echo "$program: all well"
