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

TRI_SLICE(ints, int)
TRI_SLICE(nodes, struct node *)
TRI_SLICE(points, point)
TRI_MAP(ages, tri_string, int)
TRI_MAP(marks, const char *, struct node *)
TRI_MAP(places, point, point)
TRI_MAP(weights, double, float)

int data(tri_hash_fn hash, tri_equal_fn equal, struct node *n);
int data(tri_hash_fn hash, tri_equal_fn equal, struct node *n) {
    ints s = tri_make(ints, 0, 4), t = tri_slice_of(s, 0, 0);
    nodes all = tri_make(nodes, 1, 1);
    point origin = {0, 0};
    points line = tri_make(points, 0, 0);
    tri_slice any = tri_slice_make(long, 1, 2);
    s = tri_append(s, 1, 2, 3);
    t = tri_append_slice(tri_slice_of(s, 0, 1, 2), t);
    all = tri_append(all, n, n->next);
    line = tri_append(line, origin);
    any = tri_append(any, 5L);
    any = tri_slice_of(any, 1, 2);
    tri_slice_at(any, long, 0)++;
    tri_at(s, 1) = 7;
    tri_set(tri_at(all, 0), n);
    tri_copy(s, t);
    s = tri_slice_clone(tri_slice_grow(tri_slice_clip(tri_slice_delete(s, 0, 1)), 10));
    tri_slice_clear(line);

    ages a = tri_map_new(ages);
    marks m = tri_map_new_sized(marks, 100);
    places p = tri_map_new_with(places, 0, hash, equal);
    weights w = NULL;
    tri_string k = tri_string_concat(TRI_STR("a"), TRI_STR("b"));
    int v, *found = tri_map_get(a, k);
    tri_map_put(a, k, 1);
    ++*tri_map_slot(a, TRI_STR("c"));
    tri_map_put(m, "node", n);
    tri_map_put(p, origin, origin);
    tri_map_each(a, &k, &v) s = tri_append(s, v);
    tri_map_each(a, &k, NULL) continue;
    tri_map_iter it = tri_map_iterate(m);
    while (tri_map_next(m, &it, NULL, &n)) tri_map_delete(a, k);
    tri_map_clear(p);
    tri_builder b = {NULL, 0, 0, 0};
    tri_builder_write_string(&b, k);
    return found == NULL && tri_map_has(m, "x") && tri_map_value(w, 1.5) > 0 && tri_map_value(p, origin).x &&
           tri_map_len(a) == tri_builder_string(&b).len;
}

/* Goroutines, and makers in the arguments of other macros. */
struct receipt {
    long number;
};
TRI_TYPE_LEAF(struct receipt)
TRI_MAIN

static void done(void *group) { tri_waitgroup_done((tri_waitgroup *)group); }

int goroutines(tri_waitgroup *group, struct node *n);
int goroutines(tri_waitgroup *group, struct node *n) {
    TRI_FUNC;
    int v = 1, in = 0;
    tri_chan *c = tri_chan_new(int, 1), *nodes_on = tri_chan_new(struct node *, 0);
    tri_case cases[] = {TRI_SEND(c, &v), TRI_RECV(c, &in), TRI_RECV(nodes_on, NULL)};
    tri_waitgroup_add(group, 1);
    tri_defer(done, group);
    return tri_select(cases, sizeof cases / sizeof *cases, false) + (n != NULL);
}

int within(struct node *n, int wanted);
int within(struct node *n, int wanted) {
    nodes all = tri_append(tri_make(nodes, 0, 1), tri_new(struct node), n);
    ages a = tri_map_new(ages);
    tri_set(tri_new(struct node)->next, tri_new(struct node));
    tri_set(tri_at(all, 0)->next, tri_at(tri_append(all, tri_new(struct node)), 2));
    tri_assign(*tri_at(all, 0), *tri_new(struct node));
    tri_map_put(a, tri_string_concat(TRI_STR("a"), tri_string_from_int(wanted)), tri_map_value(a, TRI_STR("b")));
    all = tri_append_slice(tri_slice_of(all, 0, 1), tri_slice_of(tri_slice_clone(all), 0, 1));
    return all.len == 2 && tri_map_value(a, tri_string_concat(TRI_STR("a"), TRI_STR("1"))) == 0 &&
           tri_cas(tri_at(all, 0)->next, NULL, tri_new(struct node)) && tri_exchange(n->next, tri_new(struct node)) == n;
}

/* Names of POSIX that the header must leave to the program. */
int accept(int token), bind(struct node *n), send(int a, double b), connect(void), listen(void), select(int a), poll(double a), wait(void);
