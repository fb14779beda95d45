/* box.c - kinds of boxes. Each is a function that makes the content from a seed, and one that checks it against the same. */
#include "box.h"

enum { MAGIC = 0x5ea1ed };
TRI_TYPE(box, content, other)

uint64_t box_attached, box_ran; /* atomic */

/* ---- a tree of typed nodes ---- */

struct node {
    uint64_t key;
    struct node *kid[2];
};
TRI_TYPE(struct node, kid[0], kid[1])

static struct node *tree_make(struct dice *d, unsigned depth) {
    struct node *n = tri_new(struct node);
    n->key = roll(d);
    for (int i = 0; i < 2 && depth; i++) tri_set(n->kid[i], tree_make(d, depth - 1));
    return n;
}

static void tree_check(const struct node *n, struct dice *d, unsigned depth) {
    uint64_t key = roll(d);
    REQUIRE(n && n->key == key, "node %p of a tree, %lx instead of %lx", (void *)n, n ? n->key : 0, key);
    for (int i = 0; i < 2 && depth; i++) tree_check(n->kid[i], d, depth - 1);
}

static void *tree_new(struct dice *d) {
    unsigned depth = below(d, 8);
    return tree_make(d, depth);
}
static void tree_is(void *content, struct dice *d) {
    unsigned depth = below(d, 8);
    tree_check(content, d, depth);
}

/* ---- a chain of untyped blocks, each held by a pointer to its inside or its end ---- */

struct link {
    uint64_t key, bytes;
    char *next; /* somewhere into it: by as many bytes as the key says */
};

static size_t link_offset(uint64_t key, size_t bytes) { return key % (bytes + 1); }

static void *chain_new(struct dice *d) {
    char *next = NULL;
    for (unsigned n = 1 + below(d, 60); n; n--) {
        uint64_t key = roll(d);
        size_t bytes = sizeof(struct link) + below(d, one_in(d, 50) ? 100000 : 200);
        struct link *l = tri_alloc(bytes);
        l->key = key;
        l->bytes = bytes;
        tri_set(l->next, next);
        next = (char *)l + link_offset(key, bytes);
    }
    return next;
}

/* From the last made to the first: the keys are dealt again first. */
static void chain_is(void *content, struct dice *d) {
    unsigned n = 1 + below(d, 60);
    uint64_t keys[60], sizes[60];
    for (unsigned i = 0; i < n; i++) {
        keys[i] = roll(d);
        sizes[i] = sizeof(struct link) + below(d, one_in(d, 50) ? 100000 : 200);
    }
    char *at = content;
    for (unsigned i = n; i-- > 0;) {
        struct link *l = (struct link *)(void *)(at - link_offset(keys[i], sizes[i]));
        REQUIRE(l->key == keys[i] && l->bytes == sizes[i], "link %u of %u at %p", i, n, (void *)l);
        at = l->next;
    }
    REQUIRE(!at, "a chain goes on after its end");
}

/* ---- a map from strings to trees ---- */

TRI_MAP(tree_map, tri_string, struct node *)

static tri_string name_of(uint64_t key) { return tri_string_format("tree %lx", key); }

static void *map_new(struct dice *d) {
    tree_map m = tri_map_new(tree_map);
    for (unsigned n = below(d, 100); n; n--) {
        uint64_t key = roll(d);
        struct dice of = {key};
        tri_map_put(m, name_of(key), tree_make(&of, key % 3));
        if (one_in(d, 4)) tri_map_put(m, tri_string_from("one that goes"), NULL);
        if (one_in(d, 3)) tri_map_delete(m, tri_string_from("one that goes"));
    }
    tri_map_delete(m, tri_string_from("one that goes"));
    return m;
}

static void map_is(void *content, struct dice *d) {
    tree_map m = content;
    for (unsigned n = below(d, 100); n; n--) {
        uint64_t key = roll(d);
        one_in(d, 4);
        one_in(d, 3);
        struct node **found = tri_map_get(m, name_of(key));
        REQUIRE(found, "%lx is not in its map of %zu", key, tri_map_len(m));
        struct dice of = {key};
        tree_check(*found, &of, key % 3);
    }
    tri_string k;
    struct node *v;
    size_t seen = 0;
    tri_map_each(m, &k, &v) {
        REQUIRE(v && tri_string_has_prefix(k, tri_string_view("tree ")), "a map has an entry that nobody put in");
        seen++;
    }
    REQUIRE(seen == tri_map_len(m), "%zu entries of %zu", seen, tri_map_len(m));
}

/* ---- slices of trees, appended to and cut ---- */

TRI_SLICE(trees, struct node *)

struct cut {
    trees all, part;
};
TRI_TYPE(struct cut, all.data, part.data)

static void *slice_new(struct dice *d) {
    struct cut *c = tri_new(struct cut);
    trees s = tri_make(trees, 0, 0);
    unsigned n = below(d, 200);
    uint64_t base = roll(d);
    for (unsigned i = 0; i < n; i++) {
        struct dice of = {base + i};
        s = tri_append(s, tree_make(&of, i % 3));
    }
    trees part = tri_slice_of(s, n / 3, n);
    tri_assign(c->all, s);
    tri_assign(c->part, part);
    return c;
}

static void slice_is(void *content, struct dice *d) {
    struct cut *c = content;
    unsigned n = below(d, 200);
    uint64_t base = roll(d);
    REQUIRE(c->all.len == n && c->part.len == n - n / 3, "%zu and %zu elements of %u", c->all.len, c->part.len, n);
    for (unsigned i = 0; i < n; i++) {
        struct dice of = {base + i};
        tree_check(c->all.data[i], &of, i % 3);
        if (i >= n / 3) REQUIRE(c->part.data[i - n / 3] == c->all.data[i], "a cut of a slice has another element at %u", i);
    }
}

/* ---- text: built, joined, split ---- */

struct text {
    tri_string whole;
    tri_strings words;
};
TRI_TYPE(struct text, whole.data, words.data)

static void *text_new(struct dice *d) {
    struct text *t = tri_new(struct text);
    tri_builder b = {0};
    for (unsigned n = 1 + below(d, 100), i = 0; i < n; i++) tri_builder_printf(&b, "%s%lx", i ? " " : "", roll(d));
    tri_string whole = tri_builder_string(&b);
    tri_strings words = tri_string_fields(whole);
    tri_assign(t->whole, whole);
    tri_assign(t->words, words);
    return t;
}

static void text_is(void *content, struct dice *d) {
    struct text *t = content;
    unsigned n = 1 + below(d, 100);
    REQUIRE(t->words.len == n, "%zu words of %u", t->words.len, n);
    for (unsigned i = 0; i < n; i++) {
        char expected[32];
        snprintf(expected, sizeof expected, "%lx", roll(d));
        REQUIRE(tri_string_equal(t->words.data[i], tri_string_view(expected)), "word %u is not %s", i, expected);
    }
    REQUIRE(tri_string_equal(tri_string_join(t->words, tri_string_view(" ")), t->whole), "words do not give the text");
}

/* ---- a channel with trees in it ---- */

static void *channel_new(struct dice *d) {
    unsigned n = below(d, 20);
    tri_chan *ch = tri_chan_new(struct node *, n + below(d, 3));
    for (unsigned i = 0; i < n; i++) {
        struct node *t = tree_make(d, 2);
        tri_send(ch, &t);
    }
    return ch;
}

/* By one holder at a time: each value is taken out and put back behind. */
static void channel_is(void *content, struct dice *d) {
    tri_chan *ch = content;
    unsigned n = below(d, 20);
    below(d, 3);
    REQUIRE(tri_chan_len(ch) == n, "%zu values of %u", tri_chan_len(ch), n);
    for (unsigned i = 0; i < n; i++) {
        struct node *t = NULL;
        REQUIRE(tri_recv(ch, &t), "a channel nobody closed is closed");
        tree_check(t, d, 2);
        tri_send(ch, &t);
    }
}

/* ---- an arena whose objects point into the heap and to each other ---- */

struct room {
    tri_arena *arena;
    struct node *first;
    struct node **row;
};
TRI_TYPE(struct room, arena, first, row)

enum { ROW = 50 };

static void *arena_new(struct dice *d) {
    struct room *r = tri_new(struct room);
    tri_arena *a = tri_arena_new();
    tri_set(r->arena, a);
    struct node *n = tri_arena_make(a, struct node);
    n->key = roll(d);
    tri_set(n->kid[0], tree_make(d, 2)); /* in the heap */
    tri_set(r->first, n);
    struct node **row = tri_arena_make_slice(a, struct node *, ROW, ROW);
    for (int i = 0; i < ROW; i++) {
        struct node *m = tri_arena_make(a, struct node);
        m->key = roll(d);
        tri_set(row[i], m);
    }
    tri_set(r->row, row);
    return r;
}

static void arena_is(void *content, struct dice *d) {
    struct room *r = content;
    uint64_t key = roll(d);
    REQUIRE(r->first->key == key, "the first object of an arena");
    tree_check(r->first->kid[0], d, 2);
    for (int i = 0; i < ROW; i++) {
        key = roll(d);
        REQUIRE(r->row[i]->key == key, "object %d of an arena", i);
    }
}

static void arena_close(void *content) {
    struct room *r = content;
    struct node *clone = tri_arena_clone(r->first);
    uint64_t key = r->first->key;
    tri_arena_free(r->arena);
    REQUIRE(clone->key == key && clone->kid[0], "a clone is not what was cloned");
}

/* ---- weak pointers, beside a strong one and alone ---- */

struct twin {
    struct node *strong;
    tri_weak weak, alone;
    uint64_t alone_key;
    tri_ephemerons *table;
};
TRI_TYPE(struct twin, strong, weak, alone, table)

static void *weak_new(struct dice *d) {
    struct twin *t = tri_new(struct twin);
    tri_set(t->strong, tree_make(d, 3));
    tri_set(t->weak, tri_weak_make(t->strong));
    struct dice of = {t->alone_key = roll(d)};
    tri_set(t->alone, tri_weak_make(tree_make(&of, 1)));
    tri_set(t->table, tri_ephemerons_new());
    tri_ephemerons_put(t->table, t->strong, t->strong->kid[0]);
    return t;
}

static void weak_is(void *content, struct dice *d) {
    struct twin *t = content;
    tree_check(t->strong, d, 3);
    REQUIRE(tri_weak_get(t->weak) == t->strong, "a weak pointer has let go of what lives");
    REQUIRE(tri_ephemerons_get(t->table, t->strong) == t->strong->kid[0], "an ephemeron has let go of what lives");
    struct node *alone = tri_weak_get(t->alone);
    struct dice of = {t->alone_key};
    if (alone) tree_check(alone, &of, 1);
}

/* ---- an object of a pool ---- */

struct page {
    uint64_t seed;
    struct node *tree;
    uint64_t words[60];
};
TRI_TYPE(struct page, tree)

static void *page_new(void *arg) {
    (void)arg;
    return tri_new(struct page);
}
static tri_pool pages = {page_new, NULL, 0};

static void *pool_new(struct dice *d) {
    struct page *p = tri_pool_get(&pages);
    tri_set(p->tree, tree_make(d, 1));
    for (int i = 0; i < 60; i++) p->words[i] = roll(d);
    return p;
}

static void pool_is(void *content, struct dice *d) {
    struct page *p = content;
    tree_check(p->tree, d, 1);
    for (int i = 0; i < 60; i++) {
        uint64_t word = roll(d);
        REQUIRE(p->words[i] == word, "word %d of a page from the pool", i);
    }
}

static void pool_close(void *content) { tri_pool_put(&pages, content); }

/* ---- an object with a finalizer, one with a cleanup, a counted handle ---- */

struct ended {
    struct node *tree;
    tri_rc *handle;
    uint64_t key;
};
TRI_TYPE(struct ended, tree, handle)

static void count_one(void *arg) {
    REQUIRE(arg == NULL || ((struct node *)arg)->kid[0] == NULL, "a cleanup's argument is not what it was");
    __atomic_fetch_add(&box_ran, 1, __ATOMIC_RELAXED);
}

static void finalized(void *object) { /* all it points to is still there */
    struct ended *e = object;
    struct dice d = {e->key};
    tree_check(e->tree, &d, 2);
    __atomic_fetch_add(&box_ran, 1, __ATOMIC_RELAXED);
}

static void *ended_new(struct dice *d) {
    struct ended *e = tri_new(struct ended);
    struct dice of = {e->key = roll(d)};
    tri_set(e->tree, tree_make(&of, 2));
    tri_set(e->handle, tri_rc_new(tree_make(&of, 0), count_one));
    tri_set_finalizer(e, finalized);
    tri_add_cleanup(e->tree, count_one, tri_new(struct node));
    __atomic_fetch_add(&box_attached, 3, __ATOMIC_RELAXED);
    return e;
}

static void ended_is(void *content, struct dice *d) {
    struct ended *e = content;
    struct dice of = {roll(d)};
    tree_check(e->tree, &of, 2);
    tree_check(tri_rc_get(e->handle), &of, 0);
}

static void ended_close(void *content) { tri_rc_release(((struct ended *)content)->handle); }

/* ---- all of them ---- */

static const struct kind {
    void *(*make)(struct dice *d);
    void (*check)(void *content, struct dice *d);
    void (*close)(void *content); /* or NULL */
} kinds[] = {
    {tree_new, tree_is, NULL},         {chain_new, chain_is, NULL},     {map_new, map_is, NULL},
    {slice_new, slice_is, NULL},       {text_new, text_is, NULL},       {channel_new, channel_is, NULL},
    {arena_new, arena_is, arena_close}, {weak_new, weak_is, NULL},       {pool_new, pool_is, pool_close},
    {ended_new, ended_is, ended_close},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

static const struct kind *kind_of(struct dice *d) { return &kinds[below(d, KINDS)]; }

box *box_make(uint64_t seed) {
    struct dice d = {seed};
    box *b = tri_new(box);
    b->seed = seed;
    b->seal = seed ^ MAGIC;
    tri_set(b->content, kind_of(&d)->make(&d));
    return b;
}

void box_check(box *b) {
    for (; b; b = b->other) {
        REQUIRE(b->seal == (b->seed ^ MAGIC), "box %p has seed %lx and seal %lx", (void *)b, b->seed, b->seal);
        struct dice d = {b->seed};
        const struct kind *k = kind_of(&d);
        REQUIRE(b->content, "box %lx is empty", b->seed);
        k->check(b->content, &d);
    }
}

void box_close(box *b) {
    for (; b; b = b->other) {
        struct dice d = {b->seed};
        const struct kind *k = kind_of(&d);
        if (k->close) k->close(b->content);
        tri_set(b->content, NULL);
    }
}
