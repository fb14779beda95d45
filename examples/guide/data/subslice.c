/* A small part keeps the whole array: ten bytes of a 64 MB file hold 64 MB. The cure is a copy of the part. */
#include <stdio.h>
#include <string.h>
#include <tricolor.h>

static tri_bytes part;

__attribute__((noinline)) static void read_header(bool copy) {
    tri_bytes file = tri_make(tri_bytes, 64 << 20, 64 << 20); /* as if read from a disk */
    for (int i = 0; i < 10; i++) tri_at(file, i) = (unsigned char)('0' + i);
    part = tri_slice_of(file, 0, 10);
    if (copy) part = tri_slice_clone(part);
}

/* What functions that have returned left on the stack and in registers may still look like a pointer. */
__attribute__((noinline)) static void forget(void) {
    char dead[16 << 10];
    memset(dead, 0, sizeof dead);
    tri_keep_alive(dead);
}

static void show(const char *what) {
    static tri_mem_stats s; /* big: on the stack it would cover, and so keep, old leftovers */
    printf("%-12s ", what);
    forget();
    tri_gc();
    tri_read_mem_stats(&s);
    printf("\"%.10s\" holds %llu MB\n", (const char *)part.data, (unsigned long long)s.heap_alloc >> 20);
}

int main(void) {
    read_header(false);
    show("a window:");
    read_header(true);
    show("a copy:");
    return 0;
}
