/* Every macro of the public header once, in what C11 and C++17 have in common: to be compiled without a warning, not run. */
#include <tricolor.h>

struct node {
    struct node *next;
    struct node *kid[2];
    struct {
        void *here;
        int number;
    } in;
    double weight;
};
TRI_TYPE(struct node, next, kid[0], kid[1], in.here)

typedef struct {
    int x, y;
} point;
TRI_TYPE_LEAF(point)

union word {
    void *pointer;
    long number;
};
TRI_TYPE_ANY(union word)

struct text {
    struct text *next;
    int length;
#ifndef __cplusplus /* no flexible arrays there */
    char bytes[];
#else
    char bytes[1];
#endif
};
TRI_TYPE(struct text, next)

struct node *make(struct node *list, double weight);
struct node *make(struct node *list, double weight) {
    struct node *n = tri_new(struct node);
    n->weight = weight;
    tri_set(n->next, list);
    tri_set(n->kid[0], tri_new(struct node));
    tri_set(n->in.here, tri_new(point));
    tri_set(n->kid[1], (struct node *)0);
    return n;
}

int use(struct node *n, union word *w);
int use(struct node *n, union word *w) {
    struct node *array = tri_new_array(struct node, 10);
    struct text *text = tri_new_flex(struct text, bytes, 100);
    char **strings = tri_new_array(char *, 3);
    union word *fresh = tri_new(union word);
    tri_set(strings[0], tri_strdup("one"));
    tri_set(w->pointer, n);
    tri_set(w->number, 0L);
    tri_assign(array[0], *n);
    tri_swap(n->kid[0], n->kid[1]);
    tri_exchange(n->next, array);
    struct node *old = tri_exchange(n->next, n);
    bool done = tri_cas(n->next, n, old);
    tri_keep_alive(array);
    tri_prealloc(tri_type_of(struct node), 100);
    uintptr_t hidden = tri_hide(n);
    return tri_reveal(hidden) == n && done && text->length == 0 && fresh->pointer == 0 &&
           tri_size(tri_alloc_type(tri_type_of(point), 3)) >= 3 * sizeof(point);
}

int end_of_life(tri_pool *pool);
int end_of_life(tri_pool *pool) {
    tri_arena *arena = tri_arena_new();
    struct node *n = tri_arena_make(arena, struct node), *kept = (struct node *)tri_arena_clone(n);
    point *points = tri_arena_make_slice(arena, point, 1, 10);
    tri_weak weak = tri_weak_make(kept);
    tri_cleanup cleanup = tri_add_cleanup(kept, 0, pool);
    tri_pool_put(pool, kept);
    tri_arena_free(arena);
    return tri_weak_get(weak) == kept && tri_cleanup_stop(cleanup) && points->x;
}
