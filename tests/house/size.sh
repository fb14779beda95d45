#!/bin/sh
# The shared library's code and constants are small: at most 400 kB (binutils' text).
set -eu
text=$(size "$1" | awk 'NR == 2 { print $1 }')
echo "text: $text bytes"
[ "$text" -le 400000 ]
