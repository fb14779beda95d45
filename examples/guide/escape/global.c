/* Escape: the address of a local goes to a global, so the local is moved to the heap. */
#include <stdio.h>

int *best;

static void look(int n) {
    int x = n * n;
    best = &x;
}

int main(void) {
    look(6);
    look(7);
    printf("%d\n", *best);
    return 0;
}
