/* Escape: a function whose body is not seen may keep what it is given, unless its declaration promises not to. */
#include <stdio.h>
#include <tricolor.h>

void (*may_keep)(int *p);
void (*keeps_nothing)(TRI_NOESCAPE int *p);

static void add(int *p) { ++*p; }

int main(void) {
    may_keep = add;
    int x = 41;
    may_keep(&x);
    printf("%d\n", x);
    return 0;
}
