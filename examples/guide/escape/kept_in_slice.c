/* Escape: a pointer kept in a slice lives as long as the slice's array. */
#include <stdio.h>
#include <tricolor.h>

TRI_SLICE(pointers, int *)

static pointers keep(pointers s, int n) {
    int x = n;
    return tri_append(s, &x);
}

int main(void) {
    pointers s = {0};
    for (int i = 1; i <= 3; i++) s = keep(s, i);
    printf("%d %d %d\n", *tri_at(s, 0), *tri_at(s, 1), *tri_at(s, 2));
    return 0;
}
