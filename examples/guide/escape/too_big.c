/* Escape: what is too big for a stack goes to the heap, though nobody keeps it. */
#include <stdio.h>
#include <string.h>
#include <tricolor.h>

static long fill(void) {
    char *big = tri_alloc_leaf(1 << 20);
    memset(big, 1, 1 << 20);
    return big[0] + big[(1 << 20) - 1];
}

int main(void) {
    printf("%ld\n", fill());
    return 0;
}
