/* After tri_prealloc the next n objects need neither memory from the system nor a collection; and preparing them starts none,
 * which would take back what it has prepared. */
#include "check.h"

struct node {
    struct node *next;
    long value[6];
};
TRI_TYPE(struct node, next)
TRI_TYPE_LEAF(short)

enum { N = 50000, MANY = 1000000 };

static struct node *list;

static void many(void) {
    tri_mem_stats before, prepared, after;
    tri_gc();
    tri_read_mem_stats(&before);
    tri_prealloc(tri_type_of(struct node), MANY);
    tri_read_mem_stats(&prepared);
    REQUIRE(prepared.num_gc == before.num_gc, "%u cycles while preparing", prepared.num_gc - before.num_gc);
    REQUIRE(prepared.heap_inuse >= before.heap_inuse + MANY * sizeof(struct node), "only %ld bytes are prepared",
            (long)(prepared.heap_inuse - before.heap_inuse));
    tri_set_gc_percent(-1); /* a cycle gives what is left back to all, and who claims meanwhile takes other pages */
    for (int i = 0; i < MANY; i++) {
        struct node *n = tri_new(struct node);
        tri_set(n->next, list);
        list = n;
    }
    tri_read_mem_stats(&after);
    REQUIRE(after.heap_sys == prepared.heap_sys, "the heap has grown by %ld", (long)(after.heap_sys - prepared.heap_sys));
}

int main(void) {
    tri_mem_stats before, after;
    tri_prealloc(tri_type_of(struct node), 0);
    tri_prealloc(tri_type_of(short), 1000);
    tri_new(short);
    tri_prealloc(tri_type_of(struct node), N);
    tri_read_mem_stats(&before);
    for (int i = 0; i < N; i++) {
        struct node *n = tri_new(struct node);
        n->value[0] = i;
        tri_set(n->next, list);
        list = n;
    }
    tri_read_mem_stats(&after);
    REQUIRE(after.heap_sys == before.heap_sys, "the heap has grown by %lu",
            (long)(after.heap_sys - before.heap_sys));
    REQUIRE(after.heap_inuse == before.heap_inuse, "%lu more bytes in use",
            (long)(after.heap_inuse - before.heap_inuse));
    REQUIRE(after.mallocs - before.mallocs == N, "%lu objects made", (long)(after.mallocs - before.mallocs));
    tri_gc();
    int n = N;
    for (struct node *at = list; at; at = at->next) REQUIRE(at->value[0] == --n, "node %d", n);
    REQUIRE(n == 0, "%d nodes are missing", n);
    list = NULL;
    many();
    return 0;
}
