/* life.c - what the end of life costs: pool get and put, cleanup add and stop, weak get, and building and dropping a tree in an
 * arena, on the heap and in a region by hand. One line a figure, ns an operation or µs a tree; the best of ROUNDS. */
#include <tricolor.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 7, DEPTH = 16 }; /* a tree of 65,535 nodes */

static double now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

struct node {
    struct node *left, *right;
    long value;
};
TRI_TYPE(struct node, left, right)

#define BEST(name, unit, n, body)                                                                              \
    do {                                                                                                       \
        if (only && !strstr(name, only)) break;                                                                \
        double best = 1e300;                                                                                   \
        for (int round = 0; round < ROUNDS; round++) {                                                         \
            double begin = now_ns();                                                                           \
            for (long i = 0; i < (n); i++) body;                                                               \
            double each = (now_ns() - begin) / (double)(n);                                                    \
            if (each < best) best = each;                                                                      \
        }                                                                                                      \
        printf("%-28s %10.2f %s\n", name, best, unit);                                                         \
    } while (0)

static void *new_buffer(void *arg) { return tri_alloc_leaf((size_t)(uintptr_t)arg); }
static tri_pool pool = {.new_fn = new_buffer, .arg = (void *)256};
static void nothing(void *arg) { (void)arg; }

static void get_many(void) {
    void *held[64];
    for (int k = 0; k < 64; k++) held[k] = tri_pool_get(&pool);
    for (int k = 0; k < 64; k++) tri_pool_put(&pool, held[k]);
}

/* ---- trees ---- */

static struct node *tree_arena(tri_arena *a, int depth) {
    struct node *n = tri_arena_make(a, struct node);
    n->value = depth;
    if (depth > 1) {
        tri_set(n->left, tree_arena(a, depth - 1));
        tri_set(n->right, tree_arena(a, depth - 1));
    }
    return n;
}
static struct node *tree_heap(int depth) {
    struct node *n = tri_new(struct node);
    n->value = depth;
    if (depth > 1) {
        tri_set(n->left, tree_heap(depth - 1));
        tri_set(n->right, tree_heap(depth - 1));
    }
    return n;
}

struct region {
    char *at;
};
static struct node *tree_region(struct region *r, int depth) {
    struct node *n = (struct node *)(void *)r->at;
    r->at += sizeof *n;
    n->value = depth;
    n->left = depth > 1 ? tree_region(r, depth - 1) : NULL;
    n->right = depth > 1 ? tree_region(r, depth - 1) : NULL;
    return n;
}

static struct node *volatile sink;

static void arena_once(void) {
    tri_arena *a = tri_arena_new();
    sink = tree_arena(a, DEPTH);
    sink = NULL;
    tri_arena_free(a);
}
static void region_once(void) {
    struct region r;
    char *memory = malloc(sizeof(struct node) << DEPTH);
    r.at = memory;
    sink = tree_region(&r, DEPTH);
    sink = NULL;
    free(memory);
}
static void small_arena_once(void) {
    tri_arena *a = tri_arena_new();
    sink = tree_arena(a, 7);
    sink = NULL;
    tri_arena_free(a);
}

/* With an argument: only what has it in its name. */
int main(int argc, char **argv) {
    const char *only = argc > 1 ? argv[1] : NULL;
    struct node *object = tri_new(struct node);
    tri_weak weak = tri_weak_make(object);
    tri_pool_put(&pool, new_buffer(pool.arg));
    BEST("pool get+put", "ns", 10000000, tri_pool_put(&pool, tri_pool_get(&pool)));
    BEST("pool 64 gets, 64 puts, each", "ns", 100000, get_many());
    BEST("cleanup add+stop", "ns", 2000000, tri_cleanup_stop(tri_add_cleanup(object, nothing, NULL)));
    BEST("finalizer set+take back", "ns", 2000000,
         (tri_set_finalizer(object, nothing), tri_set_finalizer(object, NULL)));
    BEST("weak make, existing", "ns", 2000000, tri_weak_make(object));
    BEST("weak get", "ns", 10000000, tri_weak_get(weak));
    BEST("tree in an arena", "ns", 100, arena_once());
    BEST("tree on the heap", "ns", 100, (sink = tree_heap(DEPTH)));
    BEST("tree in malloc'ed memory", "ns", 100, region_once());
    BEST("arena of 127 nodes", "ns", 5000, small_arena_once());
    tri_keep_alive(object);
    return 0;
}
