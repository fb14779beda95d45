#!/bin/sh
# A debugger shows variables that have moved to the heap as any others: locals, parameters, arrays of variable length.
#
#   debugger.sh TRICC WORK
set -eu
tricc=$1 work=$2
command -v gdb >/dev/null || { echo "skipped: needs gdb" && exit 77; }
cd "$work"
cat >debugger.c <<'EOF'
/* debugger.c - made by debugger.sh */
#include <tricolor.h>
struct node { struct node *next; long v; };
struct big { long a[8]; };
struct node *node;
struct big *big;
long *numbers;
__attribute__((noinline)) void stop(void) { __asm__ volatile(""); }
__attribute__((noinline)) struct node *f(int n, struct big b) {
    struct node x = {0, 42};
    long vla[n];
    node = &x, big = &b, numbers = vla;
    vla[1] = 7;
    stop();
    x.v++;
    return &x;
}
int main(void) {
    struct big b = {{1, 2, 3}};
    return f(5, b)->v != 43;
}
EOF
for level in -O0 -O1 -O2; do
    "$tricc" -m $level -g -w -o debugger debugger.c 2>debugger.said
    for name in x b vla; do
        grep -q "moved to heap: $name\$" debugger.said || { echo "$level: $name has not moved" && exit 1; }
    done
    GODEBUG=asyncpreemptoff=1 timeout 100 gdb -q -nx -batch -ex 'set debuginfod enabled off' -ex 'break stop' -ex run -ex up -ex 'print x.v' -ex 'print b.a[1]' \
        -ex 'print vla[1]' -ex 'print &x == node' -ex 'print n' ./debugger >debugger.out 2>&1 || true
    if ! grep -q "Breakpoint 1, " debugger.out; then
        echo "skipped: gdb cannot run programs here" && cat debugger.out && exit 77
    fi
    for want in '$1 = 42' '$2 = 2' '$3 = 7' '$4 = 1' '$5 = 5'; do
        grep -qF "$want" debugger.out || { echo "$level: gdb does not say $want" && cat debugger.out && exit 1; }
    done
done
