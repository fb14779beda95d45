/* With tri_mem_profile_rate = 1 every object is sampled, so the heap profile must agree with MemStats to the byte and to the object:
 * what lives and what was ever made, whoever made it, by whatever call; also after objects were freed by hand, revived by
 * finalizers, or died young, and through cycles that ran meanwhile. */
#include "../system/check.h"

struct node {
    struct node *left, *right;
    long value[4];
};
TRI_TYPE(struct node, left, right)
struct kid {
    struct kid *next;
    char text[13];
};
TRI_TYPE(struct kid, next)

enum { THREADS = 4, EACH = 100 };
static void *volatile kept[THREADS][EACH * 4];
static struct node *volatile trees[THREADS];
static tri_arena *volatile kept_arena[THREADS];

NO_INLINE struct node *tree(int depth) {
    struct node *n = tri_new(struct node);
    if (depth) {
        tri_set(n->left, tree(depth - 1));
        tri_set(n->right, tree(depth - 1));
    }
    return n;
}

static void revived(void *object) { tri_keep_alive(object); }

/* Kept, freed by hand, and dropped without being freed. */
static void arenas(long t) {
    for (int i = 0; i < 3; i++) {
        tri_arena *a = tri_arena_new();
        for (int k = 0; k < 3000; k++) {
            struct node *n = tri_arena_make(a, struct node);
            tri_set(n->left, trees[t]);
            tri_arena_make_slice(a, char, 20, 20);
        }
        if (i == 0) kept_arena[t] = a;
        if (i == 1) tri_arena_free(a);
    }
}

/* Whatever else takes memory of the heap. */
static void others(long t) {
    tri_prealloc(tri_type_of(struct node), 50);
    kept[t][0] = tri_alloc_root(500);
    tri_free(kept[t][0]);
    kept[t][1] = tri_map_file("/proc/self/exe", NULL, TRI_MAP_READ);
    if (kept[t][1] && t % 2) tri_free(kept[t][1]), kept[t][1] = NULL;
    kept[t][2] = tri_chan_new(long, 100);
    kept[t][3] = tri_strdup("a string");
    kept[t][4] = tri_alloc_aligned(4096, 5000);
    kept[t][5] = tri_realloc(tri_realloc(tri_alloc_leaf(100), 40000), 200000);
}

static void *work(void *number) {
    long t = (long)number;
    for (int round = 0; round < 3; round++) {
        trees[t] = tree(8);
        for (int i = 0; i < EACH; i++) {
            kept[t][i] = tri_new(struct kid);
            kept[t][EACH + i] = tri_alloc(100 + (size_t)i);
            kept[t][2 * EACH + i] = tri_alloc_leaf(i % 10 ? 3000 : 50000);
            kept[t][3 * EACH + i] = tri_new_array(struct kid, 7);
            tri_free(tri_alloc(300));
            if (i % 50 == 0) tri_set_finalizer(tri_new(struct node), revived);
        }
        arenas(t);
        others(t);
    }
    return NULL;
}

static void compare(const char *when) {
    long objects, bytes, made, made_bytes;
    tri_mem_stats s;
    char *text = NULL;
    size_t n = 0;
    step(when);
    /* what the comparing itself allocates from the heap is nothing */
    tri_gc();
    tri_gc();
    tri_read_mem_stats(&s);
    FILE *f = open_memstream(&text, &n);
    REQUIRE(tri_profile_write("heap", f, 1) == 0, "errno %d", errno);
    fclose(f);
    REQUIRE(sscanf(text, "heap profile: %ld: %ld [%ld: %ld] @", &objects, &bytes, &made, &made_bytes) == 4, "%.100s", text);
    REQUIRE((uint64_t)bytes == s.heap_alloc, "%ld bytes live in the profile, %lu in MemStats", bytes, s.heap_alloc);
    REQUIRE((uint64_t)made_bytes == s.total_alloc, "%ld bytes made in the profile, %lu in MemStats", made_bytes, s.total_alloc);
    REQUIRE((uint64_t)objects == s.heap_objects, "%ld objects live in the profile, %lu in MemStats", objects, s.heap_objects);
    free(text);
}

__attribute__((constructor(103))) static void every_object(void) { tri_mem_profile_rate = 1; }

int main(void) {
    compare("nothing");
    for (int again = 0; again < 2; again++) {
        pthread_t thread[THREADS];
        for (long t = 0; t < THREADS; t++) pthread_create(&thread[t], NULL, work, (void *)t);
        for (int t = 0; t < THREADS; t++) pthread_join(thread[t], NULL);
        tri_gc(); /* the finalizers have run, or run now */
        compare("after the threads");
    }
    for (int t = 0; t < THREADS; t++) {
        trees[t] = NULL;
        kept_arena[t] = NULL;
        for (int i = 0; i < EACH * 4; i++) kept[t][i] = NULL;
    }
    compare("all is dropped");
    return 0;
}
