/* Adding to a string copies all of it each time: n pieces cost n²/2. A builder copies each byte a few times, and nothing in the end. */
#include <stdio.h>
#include <tricolor.h>

enum { PIECES = 3000 };

static unsigned long long bytes(void) {
    tri_mem_stats s;
    tri_read_mem_stats(&s);
    return s.total_alloc;
}

int main(void) {
    unsigned long long start = bytes();
    tri_string sum = {0};
    for (int i = 0; i < PIECES; i++) sum = tri_string_concat(sum, TRI_STR("piece "));
    unsigned long long middle = bytes();
    tri_builder b = {0};
    for (int i = 0; i < PIECES; i++) tri_builder_write_string(&b, TRI_STR("piece "));
    tri_string built = tri_builder_string(&b);
    unsigned long long end = bytes();

    printf("the same: %s\n", tri_string_equal(sum, built) ? "yes" : "no");
    printf("concat allocates %s as much as the builder\n", middle - start > 100 * (end - middle) ? "more than 100 times" : "about");
    printf("no copy in the end: %s\n", built.data == b.data ? "yes" : "no");
    return 0;
}
