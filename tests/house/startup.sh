#!/bin/sh
# The library costs a program that does nothing at most 2 MB of memory.
#
#   startup.sh PROGRAM-WITH PROGRAM-WITHOUT
set -eu
with=$("$1") without=$("$2")
echo "$with KiB with the library, $without KiB without"
[ $((with - without)) -le 2000 ]
