/* A slice that grows: its array is the library's, on the heap; the four words of the slice itself stay on the stack, so -m has
 * nothing to say. */
#include <stdio.h>
#include <tricolor.h>

TRI_SLICE(ints, int)

static long sum(int n) {
    ints s = {0};
    long total = 0;
    for (int i = 0; i < n; i++) s = tri_append(s, i);
    for (size_t i = 0; i < s.len; i++) total += tri_at(s, i);
    return total;
}

int main(void) {
    printf("%ld\n", sum(100));
    return 0;
}
