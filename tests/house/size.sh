#!/bin/sh
# The shared library's code and constants are small: at most 300 kB. (Not counted: what unwinders, the loader and debuggers read,
# which a program that runs never touches: unwind tables, symbols, relocations.)
set -eu
text=$(size -A "$1" | awk '$1 ~ /^\.(text|plt|plt\.got|init|fini|rodata)$/ || $1 == "tri_ras" { sum += $2 } END { print sum }')
echo "code and constants: $text bytes; in all: $(size "$1" | awk 'NR == 2 { print $1 }')"
[ "$text" -le 300000 ]
