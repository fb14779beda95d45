/* ballast.c - 10 GiB that are never touched cost no physical memory, whether they may hold pointers or not, and however many
 * cycles look at them; and they raise the goal. What little of it is touched is scanned. */
#include "limit_test.h"

#define GIB ((size_t)1 << 30)

char *ballast; /* roots */
struct node **pointers;

static void look(const char *what, size_t base) {
    for (int i = 0; i < 3; i++) tri_gc();
    size_t now = resident();
    fprintf(stderr, "%s: resident %.1f MiB, page tables %.1f MiB\n", what, (double)now / MIB, (double)status("VmPTE") / MIB);
    if (!SANITIZED) REQUIRE(now < base + 24 * MIB, "%s: %zu resident, %zu before", what, now, base);
    if (!SANITIZED) REQUIRE(status("VmPTE") < 12 * MIB, "%s: page tables", what);
}

NO_INLINE static void touch_some(size_t n) {
    for (size_t i = 0; i < n; i += 50000000) tri_set(pointers[i], chain_new(5, i));
}

int main(void) {
    tri_mem_stats s;
    if (!SANITIZED) tri_gc();
    size_t base = resident();
    ballast = tri_alloc_leaf(10 * GIB);
    look("leaf", base);
    tri_read_mem_stats(&s);
    REQUIRE(s.next_gc >= 19 * GIB, "the goal is %zu", (size_t)s.next_gc);
    pointers = tri_alloc(10 * GIB);
    look("pointers", base);
    size_t n = 10 * GIB / sizeof *pointers;
    touch_some(n);
    clear_stack();
    look("touched", base + n / 50000000 * 2 * MIB);
    for (size_t i = 0; i < n; i += 50000000) chain_check(pointers[i], 5, i);
    ballast = NULL;
    pointers = NULL;
    clear_stack();
    tri_gc();
    tri_read_mem_stats(&s);
    REQUIRE(s.heap_alloc < 64 * MIB, "%zu are still in use", (size_t)s.heap_alloc);
    tri_free_os_memory();
    look("dropped", base);
    return 0;
}
