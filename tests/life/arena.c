/* Arenas: contents, pointers to the heap and back, cloning, dropping, address space, memory back at once. */
#include "life_test.h"

#include <sys/mman.h>

struct node {
    struct node *kid[2];
    uintptr_t self;
    long number;
};
TRI_TYPE(struct node, kid)

struct pixel {
    uint32_t rgb[3];
};
TRI_TYPE_LEAF(struct pixel)

static struct node *node_heap(long number) {
    struct node *n = tri_new(struct node);
    n->self = tri_hide(n);
    n->number = number;
    return n;
}
static struct node *node_arena(tri_arena *a, long number) {
    struct node *n = tri_arena_make(a, struct node);
    REQUIRE(!n->kid[0] && !n->kid[1] && !n->self && !n->number, "arena memory is not zero");
    n->self = tri_hide(n);
    n->number = number;
    return n;
}
static bool intact(const struct node *n, long number) { return n && n->self == tri_hide(n) && n->number == number; }

/* ---- larger than the log of a chunk can say ---- */

HELPER void huge_slices(void) {
    static const size_t size[] = {(size_t)16 << 30, ((size_t)16 << 30) + 8, (size_t)32 << 30, ((size_t)36 << 30) + 24};
    for (int i = 0; i < 4; i++) {
        tri_arena *a = tri_arena_new();
        unsigned char *before = tri_arena_make_slice(a, unsigned char, 0, 100);
        unsigned char *p = tri_arena_make_slice(a, unsigned char, 0, size[i]);
        unsigned char *after = tri_arena_make_slice(a, unsigned char, 0, 200);
        p[0] = p[size[i] - 1] = before[99] = after[199] = 1;
        REQUIRE(tri_base(p) == p && tri_base(p + size[i] / 2) == p && tri_base(p + size[i] - 1) == p, "slice %d begins elsewhere", i);
        REQUIRE(tri_size(p) >= size[i], "slice %d has %zu bytes", i, tri_size(p));
        REQUIRE(tri_base(before + 99) == before && tri_base(after + 199) == after, "slice %d is in the way of others", i);
        tri_arena_free(a);
    }
}

/* ---- many sizes, in both rows, and one by one found again ---- */

static void contents(void) {
    tri_arena *a = tri_arena_new();
    enum { N = 20000 };
    unsigned char **piece = tri_new_array(unsigned char *, N);
    size_t *size = tri_alloc_leaf(N * sizeof *size);
    uint64_t random = 5;
    for (int i = 0; i < N; i++) {
        size[i] = random_next(&random) % (i % 100 == 0 ? 20000 : 200);
        tri_set(piece[i], random & 64 ? tri_arena_make_slice(a, unsigned char, 0, size[i])
                                      : (unsigned char *)tri_arena_make_slice(a, uintptr_t, 0, size[i] / 8));
        if (!(random & 64)) size[i] = size[i] / 8 * 8;
        for (size_t k = 0; k < size[i]; k++) REQUIRE(piece[i][k] == 0, "arena memory is not zero");
        memset(piece[i], 0xa5 ^ i, size[i]);
        if (i % 4000 == 0) collect();
    }
    for (int i = 0; i < N; i++) {
        for (size_t k = 0; k < size[i]; k++) REQUIRE(piece[i][k] == (0xa5 ^ (i & 0xff)), "objects overlap");
        if (!size[i]) continue;
        REQUIRE(tri_base(piece[i] + size[i] / 2) == piece[i], "object %d begins elsewhere", i);
        REQUIRE(tri_size(piece[i]) >= size[i] && tri_size(piece[i]) < size[i] + 8, "object %d has another size", i);
        REQUIRE(tri_is_heap(piece[i]), "an arena's object is not in the heap");
        tri_free(piece[i]); /* leaves it alone */
    }
    for (int i = 0; i < 100; i++) {
        struct pixel *p = tri_arena_make(a, struct pixel);
        p->rgb[2] = 7;
    }
    void *aligned[10];
    for (int i = 0; i < 10; i++) aligned[i] = tri_arena_make(a, max_align_t);
    for (int i = 0; i < 10; i++) REQUIRE((uintptr_t)aligned[i] % _Alignof(max_align_t) == 0, "not aligned");
    char *big = tri_arena_make_slice(a, char, 30 << 20, 30 << 20); /* larger than any chunk */
    big[(30 << 20) - 1] = 1;
    tri_arena_free(a);
}

/* ---- the arena keeps heap objects alive, until it is freed ---- */

static int heap_gone;
static void note_heap(void *arg) { (void)arg, count_up(&heap_gone); }
NO_INLINE static struct node *hang(tri_arena *a, int n) {
    struct node *root = node_arena(a, 0), *last = root;
    for (int i = 1; i <= n; i++) {
        struct node *h = node_heap(i);
        tri_add_cleanup(h, note_heap, NULL);
        tri_set(last->kid[0], node_arena(a, -i));
        last = last->kid[0];
        tri_set(last->kid[1], h);
    }
    return root;
}
static void to_the_heap(void) {
    enum { N = 5000 };
    tri_arena *a = tri_arena_new();
    struct node *root = hang(a, N);
    for (int round = 0; round < 3; round++) {
        settle();
        int n = 0;
        for (struct node *k = root->kid[0]; k; k = k->kid[0]) {
            n++;
            REQUIRE(intact(k->kid[1], n), "object %d was lost", n);
        }
        REQUIRE(n == N, "%d of %d", n, N);
    }
    REQUIRE(count_of(&heap_gone) == 0, "%d were freed", heap_gone);
    tri_arena_free(a);
    collect_until(&heap_gone, N - 20);
}

/* ---- the reverse: heap objects keep the arena, though its handle is dropped ---- */

NO_INLINE static struct node *drop_handle(int depth) {
    tri_arena *a = tri_arena_new();
    struct node *h = node_heap(1), *last = node_arena(a, 0);
    tri_set(h->kid[0], last);
    for (int i = 1; i < depth; i++) {
        struct node *n = node_arena(a, i);
        tri_set(last->kid[0], n);
        struct pixel *p = tri_arena_make(a, struct pixel);
        p->rgb[0] = (uint32_t)i;
        tri_set(n->kid[1], (struct node *)(void *)p);
        last = n;
    }
    return h;
}
static void from_the_heap(void) {
    enum { N = 30000 };
    struct node *h = drop_handle(N);
    for (int round = 0; round < 3; round++) {
        collect();
        tri_arena *other = tri_arena_new(); /* would take the memory */
        for (int i = 0; i < 1000; i++) node_arena(other, i);
        int i = 0;
        for (struct node *n = h->kid[0]; n; n = n->kid[0], i++) {
            REQUIRE(intact(n, i), "an object in an arena was lost");
            REQUIRE(i == 0 || ((struct pixel *)(void *)n->kid[1])->rgb[0] == (uint32_t)i, "a leaf in an arena was lost");
        }
        REQUIRE(i == N, "%d of %d", i, N);
        tri_arena_free(other);
    }
}

/* ---- arenas that are dropped are collected ---- */

static void dropped(void) {
    tri_mem_stats before, after;
    tri_gc();
    tri_gc();
    tri_read_mem_stats(&before);
    for (int i = 0; i < 200; i++) drop_handle(5000);
    clear_stack();
    tri_gc();
    tri_gc();
    tri_read_mem_stats(&after);
    REQUIRE(after.heap_alloc < before.heap_alloc + (20 << 20), "dropped arenas stay: %lu MiB",
            (unsigned long)(after.heap_alloc >> 20));
}

/* ---- cloning ---- */

static void cloning(void) {
    tri_arena *a = tri_arena_new();
    struct node *n = node_arena(a, 77), *h = node_heap(78);
    int *numbers = tri_arena_make_slice(a, int, 1000, 1000);
    numbers[999] = 5;
    tri_set(n->kid[0], h);
    struct node *copy = tri_arena_clone(n);
    REQUIRE(copy != n && copy->number == 77 && copy->kid[0] == h, "the clone differs");
    REQUIRE(tri_arena_clone(h) == h && tri_arena_clone(NULL) == NULL, "a heap pointer was copied");
    long local = 0;
    REQUIRE(tri_arena_clone(&local) == &local, "a pointer to the stack was copied");
    int *middle = tri_arena_clone(&numbers[999]);
    REQUIRE(*middle == 5 && tri_base(middle) != tri_base(numbers), "a clone from inside an array is another");
    REQUIRE(tri_size(tri_base(copy)) >= sizeof *copy, "the clone is too small");
    tri_arena_free(a);
    collect();
    REQUIRE(copy->number == 77 && intact(copy->kid[0], 78), "the clone died with the arena");
    void *grown = tri_realloc(tri_base(middle), 8000);
    REQUIRE(((int *)grown)[999] == 5, "a clone cannot grow");
}

/* ---- memory is back at once; address space comes back when nothing points to it ---- */

static size_t resident(void) {
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%*d %ld", &pages) != 1) pages = 0;
    if (f) fclose(f);
    return (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
}
static void memory_back(void) {
    tri_arena *a = tri_arena_new();
    for (int i = 0; i < 64; i++) memset(tri_arena_make_slice(a, char, 1 << 20, 1 << 20), 1, 1 << 20);
    size_t full = resident();
    tri_arena_free(a);
    size_t left = resident();
    REQUIRE(left + (60 << 20) < full, "of 64 MiB only %zu KiB are back", (full - left) >> 10);
}
static void address_space(void) {
    tri_mem_stats before, after;
    tri_read_mem_stats(&before);
    for (int i = 0; i < 1000; i++) { /* 1 GiB in all */
        tri_arena *a = tri_arena_new();
        memset(tri_arena_make_slice(a, char, 1 << 20, 1 << 20), 1, 4096);
        tri_arena_free(a);
    }
    tri_read_mem_stats(&after);
    REQUIRE(after.heap_sys < before.heap_sys + (700ull << 20), "address space is not used again: %lu MiB",
            (unsigned long)((after.heap_sys - before.heap_sys) >> 20));
}

/* ---- locked memory, as after mlockall, cannot be given back: it is zero all the same when it is used again ---- */

static void use_locked(void) {
    enum { BYTES = 300000 };
    tri_arena *a = tri_arena_new();
    unsigned char *p = tri_arena_make_slice(a, unsigned char, 0, BYTES);
    for (int i = 0; i < BYTES; i++) REQUIRE(p[i] == 0, "memory that was locked is not zero");
    mlock(p, BYTES); /* who may not tests nothing */
    memset(p, 0xff, BYTES);
    tri_arena_free(a);
}
static void locked(void) {
    for (int i = 0; i < 10; i++) {
        apart(use_locked);
        collect();
        collect();
    }
}

/* ---- many at once, on several threads, while cycles run ---- */

static int stop;
static void *collector(void *unused) {
    while (!count_of(&stop)) tri_gc();
    return unused;
}
static struct node *build(tri_arena *a, int depth) {
    struct node *n = node_arena(a, depth);
    if (depth) {
        tri_set(n->kid[0], build(a, depth - 1));
        tri_set(n->kid[1], depth % 3 ? build(a, depth - 1) : node_heap(depth));
    }
    return n;
}
static int check(const struct node *n, int depth) {
    REQUIRE(intact(n, depth), "a node was lost");
    if (!depth) return 1;
    if (depth % 3 == 0) REQUIRE(intact(n->kid[1], depth), "a heap node was lost");
    return 1 + check(n->kid[0], depth - 1) + (depth % 3 ? check(n->kid[1], depth - 1) : 1);
}
static void *player(void *arg) {
    enum { ARENAS = 12 };
    tri_arena **arena = tri_new_array(tri_arena *, ARENAS);
    struct node **root = tri_new_array(struct node *, ARENAS);
    uint64_t random = 99 + (uintptr_t)arg;
    for (int i = 0; i < 1500; i++) {
        int k = (int)(random_next(&random) % ARENAS), depth = 4 + k;
        if (!arena[k]) {
            tri_set(arena[k], tri_arena_new());
            tri_set(root[k], build(arena[k], depth));
        } else {
            check(root[k], depth);
            if (random & 1024) tri_arena_free(arena[k]); /* else it is dropped */
            tri_set(arena[k], NULL);
            tri_set(root[k], NULL);
        }
    }
    return NULL;
}
static void storm(void) {
    pthread_t gc, thread[3];
    pthread_create(&gc, NULL, collector, NULL);
    for (uintptr_t i = 0; i < 3; i++) pthread_create(&thread[i], NULL, player, (void *)i);
    for (int i = 0; i < 3; i++) pthread_join(thread[i], NULL);
    count_up(&stop);
    pthread_join(gc, NULL);
}

int main(void) {
    contents();
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* whose shadow would be gigabytes */
    huge_slices();
#endif
    to_the_heap();
    from_the_heap();
    dropped();
    cloning();
    memory_back();
    address_space();
    locked();
    storm();
    return 0;
}
