/* life - what the end of life costs: life KIND [count]. Each kind prints ns of CPU an operation, the best of ROUNDS; the Go
 * program of the same name does the same.
 *
 *   pool        get and put, one object: the pair
 *   pools       64 gets, then 64 puts: each pair
 *   cleanup     a cleanup added and stopped: the pair
 *   finalizer   a finalizer set and taken back: the pair
 *   weak        the strong pointer of a weak one; and the weak one of a pointer that has one already
 *   arena       a tree of 65,535 nodes built in an arena, which is freed: each tree; the same on the heap; and, in C, in memory
 *               from malloc that is bumped by hand
 *   arenas      the same with trees of 127 nodes
 */
#include "bench.h"

#include <tricolor.h>

enum { ROUNDS = 7, DEPTH = 16, SMALL_DEPTH = 7, HELD = 64 };

struct node {
    struct node *left, *right;
    long value;
};
TRI_TYPE(struct node, left, right)

static long count;
static uint64_t sum;

#define BEST(name, n, body)                                                                                    \
    do {                                                                                                       \
        double best = 1e300;                                                                                   \
        for (int round = 0; round < ROUNDS; round++) {                                                         \
            uint64_t from = cpu_ns();                                                                          \
            for (long i = 0; i < (n); i++) body;                                                               \
            double each = (double)(cpu_ns() - from) / (double)(n);                                             \
            if (each < best) best = each;                                                                      \
        }                                                                                                      \
        result(name, best, "ns");                                                                              \
    } while (0)

/* ---- pools ---- */

static void *new_buffer(void *arg) { return tri_alloc_leaf((size_t)(uintptr_t)arg); }
static tri_pool buffers = {.new_fn = new_buffer, .arg = (void *)256};

static void pool(void) {
    tri_pool_put(&buffers, new_buffer(buffers.arg));
    BEST("pool", count, {
        char *b = tri_pool_get(&buffers);
        b[0]++;
        tri_pool_put(&buffers, b);
    });
}

static void pools(void) {
    static char *held[HELD];
    BEST("pools", count / HELD * HELD, {
        if (i % HELD) continue;
        for (int k = 0; k < HELD; k++) held[k] = tri_pool_get(&buffers);
        for (int k = 0; k < HELD; k++) tri_pool_put(&buffers, held[k]);
    });
}

/* ---- what hangs on objects ---- */

static void nothing(void *arg) { (void)arg; }

static void cleanup(void) {
    struct node *object = tri_new(struct node);
    BEST("cleanup", count, tri_cleanup_stop(tri_add_cleanup(object, nothing, NULL)));
    tri_keep_alive(object);
}

static void finalizer(void) {
    struct node *object = tri_new(struct node);
    BEST("finalizer", count, {
        tri_set_finalizer(object, nothing);
        tri_set_finalizer(object, NULL);
    });
    tri_keep_alive(object);
}

static void weak(void) {
    struct node *object = tri_new(struct node);
    object->value = 1;
    tri_weak w = tri_weak_make(object);
    BEST("weak_get", count, sum += (uint64_t)((struct node *)tri_weak_get(w))->value);
    BEST("weak_make", count, sum += tri_weak_make(object) == w);
    tri_keep_alive(object);
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

static struct node *tree_region(char **at, int depth) {
    struct node *n = (struct node *)(void *)*at;
    *at += sizeof *n;
    n->value = depth;
    n->left = depth > 1 ? tree_region(at, depth - 1) : NULL;
    n->right = depth > 1 ? tree_region(at, depth - 1) : NULL;
    return n;
}

static void in_arena(int depth) {
    tri_arena *a = tri_arena_new();
    sum += (uint64_t)tree_arena(a, depth)->value;
    tri_arena_free(a);
}
static void on_heap(int depth) { sum += (uint64_t)tree_heap(depth)->value; }
static void in_region(int depth) {
    char *memory = malloc(sizeof(struct node) << depth), *at = memory;
    sum += (uint64_t)tree_region(&at, depth)->value;
    free(memory);
}

static void trees(int depth) {
    BEST("arena", count, in_arena(depth));
    BEST("heap", count, on_heap(depth));
    uint64_t shared = sum; /* Go has no such thing */
    BEST("region", count, in_region(depth));
    sum = shared;
}
static void arena(void) { trees(DEPTH); }
static void arenas(void) { trees(SMALL_DEPTH); }

static const struct kind {
    const char *name;
    void (*fn)(void);
    long count;
} kinds[] = {{"pool", pool, 10000000}, {"pools", pools, 6400000}, {"cleanup", cleanup, 2000000}, {"finalizer", finalizer, 2000000},
             {"weak", weak, 10000000}, {"arena", arena, 50},      {"arenas", arenas, 10000}};

int main(int argc, char **argv) {
    const struct kind *chosen = NULL;
    bench_start(argc, argv, "life");
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(arg_text(0, "pool"), kinds[i].name) == 0) chosen = &kinds[i];
    if (!chosen) bench_usage("pool|pools|cleanup|finalizer|weak|arena|arenas [count]");
    count = arg_number(1, chosen->count);
    chosen->fn();
    return bench_finish((uint64_t)count + sum);
}
