/* A slice that is told its size in the beginning is allocated once; one that grows is copied over and over. */
#include <stdio.h>
#include <tricolor.h>

TRI_SLICE(ints, int)

enum { N = 100000 };

static int moves(ints s) {
    int n = 0;
    for (int i = 0; i < N; i++) {
        int *before = s.data;
        s = tri_append(s, i);
        n += s.data != before;
    }
    return n;
}

static unsigned long long bytes(void) {
    tri_mem_stats s;
    tri_read_mem_stats(&s);
    return s.total_alloc;
}

int main(void) {
    unsigned long long start = bytes();
    int growing = moves((ints){0});
    unsigned long long middle = bytes();
    int at_once = moves(tri_make(ints, 0, N));
    unsigned long long end = bytes();
    printf("growing:      %d arrays\n", growing);
    printf("preallocated: %d more\n", at_once);
    printf("bytes: %s\n", middle - start > 3 * (end - middle) ? "less than a third" : "about the same");
    return 0;
}
