/* Escape: an allocation whose size is not known when compiling goes to the heap, though nobody keeps it. */
#include <stdio.h>
#include <tricolor.h>

__attribute__((noinline)) static int last(size_t n) {
    char *text = tri_alloc_leaf(n);
    text[n - 1] = 7;
    return text[n - 1];
}

int main(int argc, char **argv) {
    (void)argv;
    printf("%d\n", last((size_t)argc * 100));
    return 0;
}
