/* free_os_memory.c - all free memory goes back at once, whole huge pages and less; figures agree with the kernel's; memory
 * comes back as zeros. Where survivors lie together, 2.5 times what lives is kept at most. */
#include "limit_test.h"

enum { OBJECTS = 1 << 20, EACH = 126, TOGETHER = 1024 };

static struct node **kept;

/* A million objects, of which one in 126 lives: `together` side by side. */
NO_INLINE static size_t scatter(size_t together) {
    size_t n = 0;
    kept = tri_new_array(struct node *, OBJECTS / EACH + TOGETHER);
    for (size_t i = 0; i < OBJECTS; i++) {
        struct node *o = chain_new(1, i);
        if (i / together % EACH == 0) tri_set(kept[n++], o);
    }
    return n;
}

static void look(const char *what, size_t n, size_t most, size_t base) {
    tri_mem_stats s;
    clear_stack();
    tri_free_os_memory();
    size_t now = resident(), live = n * sizeof(struct node);
    tri_read_mem_stats(&s);
    fprintf(stderr, "%s: %.1f MiB live, heap in use %.1f, resident %.1f MiB above the start\n", what, (double)live / MIB,
            (double)s.heap_inuse / MIB, ((double)now - (double)base) / MIB);
    REQUIRE(s.heap_idle - s.heap_released < MIB, "%zu bytes are kept free", (size_t)(s.heap_idle - s.heap_released));
    REQUIRE(s.heap_sys == s.heap_inuse + s.heap_idle, "sums");
    if (!SANITIZED) REQUIRE(now < base + most, "%zu resident after giving back, %zu before the start", now, base);
    for (size_t i = 0; i < n; i++) REQUIRE(kept[i] && !kept[i]->next, "an object is lost");
}

NO_INLINE static void large(void) {
    char *p = tri_alloc_leaf(100 * MIB);
    memset(p, 1, 100 * MIB);
    if (!SANITIZED) REQUIRE(resident() > 100 * MIB, "nothing resident");
}

int main(void) {
    tri_set_gc_percent(-1);
    large();
    clear_stack();
    tri_free_os_memory();
    size_t base = resident();
    if (!SANITIZED) REQUIRE(base < 30 * MIB, "%zu resident after a large object was dropped", base);
    char *p = tri_alloc_leaf(100 * MIB);
    for (size_t i = 0; i < 100 * MIB; i += 4096) REQUIRE(p[i] == 0, "memory that comes back is not zero");
    tri_free(p);
    tri_free_os_memory();

    size_t n = scatter(TOGETHER);
    look("together", n, n * sizeof(struct node) * 5 / 2 + 3 * MIB, base);
    n = scatter(1);
    look("scattered", n, OBJECTS * sizeof(struct node) + 8 * MIB, base);
    return 0;
}
