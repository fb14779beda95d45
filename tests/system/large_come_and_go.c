/* Large blocks that the system refuses, or that are freed by hand, leave the figure right by which cycles are started: garbage that is
 * made afterwards is collected as ever. Without that, a block of 1 GiB refused or freed was taken for 1 GiB of room. */
#include "check.h"

void *tri__malloc(size_t bytes); /* of programs built with -fmanaged-malloc: NULL when memory is exhausted */

enum { GARBAGE = 64 << 20, LARGE = 256 << 20, SLACK = 24 << 20 };

/* The heap is never far beyond its goal. */
NO_INLINE static void make_garbage(void) {
    for (int i = 0; i < GARBAGE >> 20; i++) {
        for (int k = 0; k < 1024; k++) {
            void *volatile p = tri_alloc_leaf(1000);
            (void)p;
        }
        tri_mem_stats s;
        tri_read_mem_stats(&s);
        REQUIRE(s.heap_alloc < s.next_gc + SLACK, "%lu bytes, and the goal is %lu", s.heap_alloc, s.next_gc);
    }
}

static uint64_t goal(void) {
    tri_mem_stats s;
    tri_read_mem_stats(&s);
    return s.next_gc;
}

/* While a cycle marks, as it may after a large block was made, tri_free does nothing. */
extern uint32_t trix_phase;
NO_INLINE static void free_now(void *p) {
    while (__atomic_load_n(&trix_phase, __ATOMIC_SEQ_CST)) sched_yield();
    tri_free(p);
    clear_stack();
}

NO_INLINE static void free_large(void) { free_now(tri_alloc_leaf(LARGE)); }

/* It lives while a cycle goes by, and is freed then. */
NO_INLINE static void free_marked(void) {
    void *volatile p = tri_alloc_leaf(LARGE);
    tri_gc();
    free_now(p);
    p = NULL;
    REQUIRE(goal() < LARGE + LARGE / 2, "freed by hand, and the goal is %lu", goal());
}

NO_INLINE static void grow_large(void) {
    char *volatile p = tri_alloc_leaf(LARGE / 2);
    p = tri_realloc(p, LARGE);
    free_now(p);
    p = NULL;
}

/* A block that begins where a chunk of 4 MiB does grows in place and is freed. What lies there next is no part of it. */
enum { CHUNK = 4 << 20, PAGE = 8192, NEXT = 6000 };
void *next[NEXT]; /* roots */
NO_INLINE static void forget_grown(void) {
    char *p = tri_alloc_aligned(CHUNK, CHUNK + CHUNK / 2 - 1);
    tri_gc(); /* while marking it would be copied */
    REQUIRE((char *)tri_realloc(p, 2 * CHUNK - 1) == p, "the block has not grown in place");
    uintptr_t at = (uintptr_t)p;
    free_now(p);
    p = NULL;
    for (int k = 0; k < NEXT; k++) next[k] = tri_alloc(1000);
    for (uintptr_t a = at; a < at + CHUNK; a += PAGE) {
        char *base = tri_base((void *)a);
        REQUIRE(!base || a - (uintptr_t)base <= tri_size(base), "%p is said to lie in %p of %zu bytes", (void *)a, (void *)base, tri_size(base));
    }
}

int main(void) {
    step("forget a grown block");
    forget_grown();
    step("start");
    make_garbage();
    step("refused");
    REQUIRE(!tri__malloc((1ull << 40) - (1 << 20)), "the whole of the address space");
    make_garbage();
    step("freed at once");
    free_large();
    make_garbage();
    step("freed after a cycle");
    free_marked();
    make_garbage();
    step("grown and freed");
    grow_large();
    make_garbage();
    return 0;
}
