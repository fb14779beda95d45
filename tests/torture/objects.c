/* objects.c - kinds of objects, and what must be in them.
 *
 * An object is an array of words. Which of them may hold links follows from its kind, exactly as its type was
 * declared to the library; of these up to LINKS_MAX are in use (the first and the last always), and the rest
 * are 0. All other words hold content(id, word): the id of the object and the number of the word, in a form
 * that no address has. So reading an object proves that it is the one that was put there, that nobody has
 * used its memory meanwhile, and that no word of it was lost; and a dump of a wrong object says which object
 * is there instead.
 */
#include "torture.h"

#include <stdlib.h>
#include <string.h>

/* ---- types ---- */

#define W uint64_t
struct t16 {
    W a;
    void *b;
};
struct t24 {
    void *a;
    W b[2];
};
struct t40 {
    W a;
    void *b;
    W c;
    void *d;
    W e;
};
struct t64 {
    W a;
    void *kid[4];
    W b[3];
};
struct t520 {
    W a;
    void *b;
    W c[61];
    void *d, *e;
};
struct t4096 {
    W a[100];
    void *b;
    W c[199];
    void *d;
    W e[209];
    void *f, *g;
};
struct tbig {
    W a;
    void *b;
    W c[5117];
    void *d;
};
struct flexp {
    W a;
    void *b;
    W n;
    void *kid[];
};
struct flexb {
    W a;
    void *b;
    uint32_t n;
    char bytes[];
};
TRI_TYPE(struct t16, b)
TRI_TYPE(struct t24, a)
TRI_TYPE(struct t40, b, d)
TRI_TYPE(struct t64, kid)
TRI_TYPE(struct t520, b, d, e)
TRI_TYPE(struct t4096, b, d, f, g)
TRI_TYPE(struct tbig, b, d)
TRI_TYPE(struct flexp, b)
TRI_TYPE(struct flexb, b)
_Static_assert(sizeof(struct t520) == 520 && sizeof(struct t4096) == 4096 && sizeof(struct tbig) == 40960,
               "sizes");

static const struct {
    const char *name;
    unsigned least, most; /* bytes, as a rule */
    bool exact, resizes;
    unsigned weight;
} kinds[KINDS] = {
    [K_T16] = {"T16", 16, 16, true, false, 10},
    [K_T24] = {"T24", 24, 24, true, false, 10},
    [K_T40] = {"T40", 40, 40, true, false, 10},
    [K_T64] = {"T64", 64, 64, true, false, 16},
    [K_T520] = {"T520", 520, 520, true, false, 5},
    [K_T4096] = {"T4096", 4096, 4096, true, false, 3},
    [K_TBIG] = {"TBIG", 40960, 40960, false, false, 1},
    [K_ARR24] = {"ARR24", 24, 24 * 60, false, true, 6},
    [K_ARR40] = {"ARR40", 40, 40 * 60, false, true, 6},
    [K_ARR520] = {"ARR520", 520, 520 * 12, false, true, 2},
    [K_PTRS] = {"PTRS", 16, 8 * 60, false, true, 10},
    [K_FLEXP] = {"FLEXP", 24, 24 + 8 * 50, false, false, 8},
    [K_FLEXB] = {"FLEXB", 24, 600, false, false, 6},
    [K_CONS] = {"CONS", 16, 2500, false, true, 12},
    [K_ALIGNED] = {"ALIGNED", 64, 5000, false, false, 3},
    [K_PRODUCT] = {"PRODUCT", 16, 600, false, true, 3},
    [K_LEAF] = {"LEAF", 8, 3000, false, true, 8},
    [K_TINY] = {"TINY", 1, 7, false, false, 4},
};

const char *kind_name(unsigned kind) { return kind < KINDS ? kinds[kind].name : "?"; }
bool kind_is_exact(unsigned kind) { return kinds[kind].exact; }
bool kind_resizes(unsigned kind) { return kinds[kind].resizes; }

bool object_may_link(unsigned kind, size_t w) {
    switch (kind) {
    case K_T16: return w == 1;
    case K_T24:
    case K_ARR24: return w % 3 == 0;
    case K_T40:
    case K_ARR40: return w % 5 == 1 || w % 5 == 3;
    case K_T64: return w >= 1 && w <= 4;
    case K_T520:
    case K_ARR520: return w % 65 == 1 || w % 65 >= 63;
    case K_T4096: return w == 100 || w == 300 || w >= 510;
    case K_TBIG: return w == 1 || w == 5119;
    case K_PTRS: return w >= 1;
    case K_FLEXP: return w == 1 || w >= 3;
    case K_FLEXB: return w == 1;
    case K_CONS:
    case K_ALIGNED:
    case K_PRODUCT: return w % 3 == 1;
    default: return false;
    }
}

/* ---- sizes ---- */

static size_t granule(unsigned kind) {
    switch (kind) {
    case K_ARR24: return 24;
    case K_ARR40: return 40;
    case K_ARR520: return 520;
    case K_PTRS:
    case K_FLEXP:
    case K_PRODUCT: return 8;
    default: return 1;
    }
}

static uint64_t big_live; /* bytes in large objects with a shadow, of all plots; relaxed */
enum { SMALL = 32 << 10, BIG_LIVE_MOST = 24 << 20 };

static size_t pick_bytes(struct random *r, unsigned kind) {
    size_t least = kinds[kind].least, most = kinds[kind].most, g = granule(kind);
    if (least == most) return least;
    bool may_be_big = kinds[kind].resizes || kind == K_FLEXP || kind == K_FLEXB || kind == K_ALIGNED;
    if (options.on[F_large] && may_be_big && one_in(r, 40) &&
        __atomic_load_n(&big_live, __ATOMIC_RELAXED) < BIG_LIVE_MOST) {
        least = SMALL - 600; /* both sides of the border */
        most = one_in(r, 8) ? 5 << 20 : one_in(r, 3) ? 300 << 10 : 40 << 10;
    } else if (one_in(r, 2)) {
        most = least + (most - least) / 8 + g; /* mostly small */
    }
    size_t bytes = least + below(r, (unsigned)(most - least + 1));
    if (kind == K_FLEXP) return 24 + (bytes - 24) / 8 * 8;
    return bytes < g ? g : bytes / g * g;
}

/* ---- making ---- */

static void *allocate(struct random *r, unsigned kind, size_t bytes) {
    switch (kind) {
    case K_T16: return tri_new(struct t16);
    case K_T24: return tri_new(struct t24);
    case K_T40: return tri_new(struct t40);
    case K_T64: return one_in(r, 4) ? tri_alloc_type(tri_type_of(struct t64), 1) : tri_new(struct t64);
    case K_T520: return tri_new(struct t520);
    case K_T4096: return tri_new(struct t4096);
    case K_TBIG: return tri_new(struct tbig);
    case K_ARR24: return tri_new_array(struct t24, bytes / 24);
    case K_ARR40: return tri_new_array(struct t40, bytes / 40);
    case K_ARR520: return tri_new_array(struct t520, bytes / 520);
    case K_PTRS: return tri_new_array(void *, bytes / 8);
    case K_FLEXP: return tri_new_flex(struct flexp, kid, (bytes - 24) / 8);
    case K_FLEXB: return tri_new_flex(struct flexb, bytes, bytes - offsetof(struct flexb, bytes));
    case K_ALIGNED: return tri_alloc_aligned((size_t)32 << below(r, 10), bytes);
    case K_PRODUCT: return tri_alloc_array(bytes / 8, 8);
    case K_LEAF:
    case K_TINY: return tri_alloc_leaf(bytes);
    default: return tri_alloc(bytes);
    }
}

static unsigned pick_kind(struct random *r) {
    unsigned total = 0;
    for (unsigned k = 0; k < KINDS; k++) total += kinds[k].weight;
    unsigned at = below(r, total), k = 0;
    while (at >= kinds[k].weight) at -= kinds[k++].weight;
    if (k == K_TBIG && !options.on[F_large]) k = K_T64;
    return k;
}

void *object_address(const struct shade *s) { return tri_reveal(s->hidden); }

static void check_zero(const struct shade *s, const char *at, size_t from) {
    size_t w = (from + 7) / 8;
    for (size_t i = from; i < s->bytes && i < w * 8; i++)
        if (at[i]) fail_object(s, at, "fresh memory is not zero at byte %zu", i);
    for (; w < s->bytes / 8; w++)
        if (((const uint64_t *)at)[w]) fail_object(s, at, "fresh memory is not zero at word %zu", w);
}

void *object_make_of(struct random *r, unsigned kind, struct shade **shade) {
    struct shade *s = calloc(1, sizeof *s);
    s->kind = (uint8_t)kind;
    s->bytes = pick_bytes(r, kind);
    s->id = __atomic_add_fetch(&figures->objects, 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&figures->bytes, s->bytes, __ATOMIC_RELAXED);
    if (s->bytes > SMALL) __atomic_fetch_add(&big_live, s->bytes, __ATOMIC_RELAXED);
    void *at = allocate(r, kind, s->bytes);
    s->hidden = tri_hide(at);
    check_zero(s, at, 0);
    object_fill(r, s, at, 0);
    if (one_in(r, 16)) {
        if (tri_base((char *)at + below(r, (unsigned)s->bytes)) != at)
            fail_object(s, at, "tri_base is wrong");
        if (tri_size(at) < s->bytes) fail_object(s, at, "tri_size says %zu", tri_size(at));
    }
    shade_note(s, C_MADE);
    *shade = s;
    return at;
}

void *object_make(struct random *r, struct shade **shade) { return object_make_of(r, pick_kind(r), shade); }

void shade_free(struct shade *s) {
    if (s->bytes > SMALL) __atomic_fetch_sub(&big_live, s->bytes, __ATOMIC_RELAXED);
    free(s);
}
static void account_resize(const struct shade *s, size_t before) {
    if (before > SMALL) __atomic_fetch_sub(&big_live, before, __ATOMIC_RELAXED);
    if (s->bytes > SMALL) __atomic_fetch_add(&big_live, s->bytes, __ATOMIC_RELAXED);
}

void *object_resize(struct random *r, struct shade *s, void *at) {
    size_t before = s->bytes, bytes = pick_bytes(r, s->kind),
           kept = (bytes < before ? bytes : before) / 8 * 8;
    void *moved = tri_realloc(at, bytes);
    s->bytes = bytes;
    account_resize(s, before);
    shade_note(s, moved != at ? C_MOVED_BY_REALLOC : bytes < before ? C_SHRANK : C_GREW);
    s->hidden = tri_hide(moved);
    if (bytes > before) check_zero(s, moved, before);
    object_fill(r, s, moved, kept);
    return moved;
}

/* Rings and chains that nothing keeps, with links and with contents like any other's. */
void object_make_garbage(struct random *r) {
    unsigned kind = pick_kind(r);
    size_t bytes = pick_bytes(r, kind);
    void *at = allocate(r, kind, bytes);
    static __thread uintptr_t
        last; /* hidden: dead objects come back to life only if the collector is wrong */
    for (size_t w = 0; w < bytes / 8 && w < 200; w++)
        if (object_may_link(kind, w))
            tri_set(((void **)at)[w], one_in(r, 2) ? at : NULL);
        else
            ((uint64_t *)at)[w] = last; /* a hidden address among the contents */
    last = tri_hide(at);
}

/* ---- contents ---- */

static size_t count_link_words(unsigned kind, size_t from, size_t to) {
    size_t n = 0;
    for (size_t w = from; w < to; w++) n += object_may_link(kind, w);
    return n;
}

/* Takes link words from `from` on into use: all, or as many as there is room for, spread evenly, the last
 * included. */
static void choose_links(struct shade *s, size_t from) {
    size_t words = s->bytes / 8, n = count_link_words(s->kind, from, words), room = LINKS_MAX - s->nlinks;
    size_t take = n < room ? n : room, nth = 0, taken = 0;
    for (size_t w = from; w < words && taken < take; w++) {
        if (!object_may_link(s->kind, w)) continue;
        size_t next = take == 1 ? n - 1 : taken * (n - 1) / (take - 1);
        if (nth++ != next) continue;
        s->link[s->nlinks++] = (struct link){.word = (uint32_t)w};
        taken++;
    }
}

void object_fill(struct random *r, struct shade *s, void *at, size_t from) {
    (void)r;
    size_t words = s->bytes / 8, start = from / 8;
    uint64_t *word = at;
    while (s->nlinks && s->link[s->nlinks - 1].word >= start) s->nlinks--;
    choose_links(s, start);
    for (size_t w = start; w < words; w++)
        if (!object_may_link(s->kind, w))
            word[w] = content(s->id, w);
        else if (word[w])
            tri_set(word[w], 0); /* the rest of what was there before */
    if (s->bytes % 8 == 0) return;
    uint64_t last = object_may_link(s->kind, words) ? 0 : content(s->id, words);
    memcpy((char *)at + words * 8, &last, s->bytes % 8);
}

static void check_word(const struct shade *s, const uint64_t *word, size_t w) {
    uint64_t want = object_may_link(s->kind, w) ? 0 : content(s->id, w);
    uint64_t is = __atomic_load_n(&word[w], __ATOMIC_RELAXED);
    if (is != want) fail_object(s, word, "word %zu is 0x%lx, not 0x%lx", w, is, want);
}

static void check_links(const struct shade *s, void *at) {
    for (uint32_t i = 0; i < s->nlinks; i++) {
        const struct link *l = &s->link[i];
        void *is = *link_slot(at, l), *want = link_value(l);
        if (is != want)
            fail_object(s, at, "link %u, word %u, is %p, not %p (id %lu)", i, l->word, is, want,
                        l->to ? l->to->id : 0);
    }
}

static void check_contents(const struct shade *s, void *at, size_t from, size_t to) {
    uint32_t l = 0;
    for (size_t w = from; w < to; w++) {
        while (l < s->nlinks && s->link[l].word < w) l++;
        if (l < s->nlinks && s->link[l].word == w) continue;
        check_word(s, at, w);
    }
}

enum { WHOLLY_BELOW = 700 }; /* words */

void object_check(const struct shade *s, void *at, bool wholly) {
    size_t words = s->bytes / 8;
    if (at != object_address(s)) fail_object(s, at, "the object is at %p, not at %p", at, object_address(s));
    check_links(s, at);
    if (wholly || words < WHOLLY_BELOW) {
        check_contents(s, at, 0, words);
    } else {
        check_contents(s, at, 0, 64);
        check_contents(s, at, words - 64, words);
        for (size_t w = 64 + s->id % 61; w < words - 64; w += words / 32) check_contents(s, at, w, w + 4);
    }
    uint64_t last = object_may_link(s->kind, words) ? 0 : content(s->id, words);
    if (s->bytes % 8 && memcmp((char *)at + words * 8, &last, s->bytes % 8) != 0)
        fail_object(s, at, "the last %zu bytes are wrong", s->bytes % 8);
}
