/* list.c - the documents of one word: a persistent radix tree over document numbers.
 *
 * Okasaki and Gill's integer maps ("Fast Mergeable Integer Maps", 1998) with 16-way branches held in a bitmap
 * and a dense array, as in Bagwell's hash array mapped tries (2001). Nothing is ever changed in place:
 * putting or dropping a document copies the forks from the root to it, some hundred bytes, and shares the
 * rest. Readers of the old root see the old list.
 *
 * Here old objects point to nothing new, and new ones to old and new; the only store into an object that
 * others can see is the compare-exchange of word.list, in trie.c.
 *
 *   L1  A fork has at least two kids; docs and lines are the sums over its kids, most is the maximum.
 *   L2  All numbers below agree with prefix above bit shift + 4; prefix is 0 from there down.
 *   L3  Kid i's numbers have the i-th set bit of bitmap at shift; kid forks have a smaller shift.
 */
#include "index.h"

struct list list_closed;

/* ---- small parts ---- */

static inline bool is_posting(const struct list *list) { return list->docs == 1; }

static inline const struct posting *as_posting(const struct list *list) {
    return (const struct posting *)list;
}

static inline const struct fork *as_fork(const struct list *list) { return (const struct fork *)list; }

static inline uint32_t list_key(const struct list *list) {
    return is_posting(list) ? as_posting(list)->doc : as_fork(list)->prefix;
}

static inline uint32_t list_most(const struct list *list) {
    return is_posting(list) ? list->lines : as_fork(list)->most;
}

static inline unsigned fork_kids(const struct fork *fork) {
    return (unsigned)__builtin_popcount(fork->bitmap);
}

static inline unsigned fork_bit(const struct fork *fork, uint32_t doc) {
    return 1u << (doc >> fork->shift & 15);
}

/* Where the kid with this bit is, or would be. */
static inline unsigned fork_index(const struct fork *fork, unsigned bit) {
    return (unsigned)__builtin_popcount(fork->bitmap & (bit - 1));
}

static inline uint32_t prefix_above(uint32_t doc, unsigned shift) {
    return (uint32_t)((uint64_t)doc >> (shift + 4) << (shift + 4));
}

static inline bool fork_covers(const struct fork *fork, uint32_t doc) {
    return prefix_above(doc, fork->shift) == fork->prefix;
}

size_t posting_bytes(const struct posting *p) { return sizeof *p + p->head.lines * sizeof p->line[0]; }

static int64_t fork_bytes(unsigned kids) { return (int64_t)(sizeof(struct fork) + kids * sizeof(void *)); }

/* ---- building ---- */

static struct fork *fork_new(unsigned shift, uint32_t prefix, unsigned bitmap) {
    unsigned kids = (unsigned)__builtin_popcount(bitmap);
    struct fork *fork = tri_new_flex(struct fork, kid, kids);
    fork->shift = (uint8_t)shift;
    fork->prefix = prefix;
    fork->bitmap = (uint16_t)bitmap;
    return fork;
}

/* The counts of a copy of `old` in which kid `out` (or none) was replaced by `in` (or none). The other kids
 * are looked at only if the maximum went away: each look costs a cache miss. */
static void fork_sum(struct fork *fork, const struct fork *old, const struct list *out,
                     const struct list *in) {
    fork->head.docs = old->head.docs - (out ? out->docs : 0) + (in ? in->docs : 0);
    fork->head.lines = old->head.lines - (out ? out->lines : 0) + (in ? in->lines : 0);
    fork->most = old->most;
    if (in && list_most(in) >= fork->most) {
        fork->most = list_most(in);
    } else if (out && list_most(out) == old->most) {
        fork->most = 0;
        for (unsigned i = 0; i < fork_kids(fork); i++)
            if (list_most(fork->kid[i]) > fork->most) fork->most = list_most(fork->kid[i]);
    }
}

/* A fork over two lists that have no document in common and neither covers the other. */
static struct list *fork_join(struct list *a, struct list *b, int64_t *grown) {
    uint32_t key_a = list_key(a), key_b = list_key(b);
    unsigned shift = (31u - (unsigned)__builtin_clz(key_a ^ key_b)) & ~3u;
    unsigned bit_a = 1u << (key_a >> shift & 15), bit_b = 1u << (key_b >> shift & 15);
    struct fork *fork = fork_new(shift, prefix_above(key_a, shift), bit_a | bit_b);
    tri_set(fork->kid[bit_a > bit_b], a);
    tri_set(fork->kid[bit_a < bit_b], b);
    fork->head = (struct list){a->docs + b->docs, a->lines + b->lines};
    fork->most = list_most(a) > list_most(b) ? list_most(a) : list_most(b);
    *grown += fork_bytes(2);
    return &fork->head;
}

/* A copy with kid `bit` set to `kid`, which may be new. */
static struct list *fork_with(const struct fork *old, unsigned bit, struct list *kid, int64_t *grown) {
    unsigned at = fork_index(old, bit), kids = fork_kids(old), skip = (old->bitmap & bit) != 0;
    struct fork *fork = fork_new(old->shift, old->prefix, old->bitmap | bit);
    tri_memcpy(fork->kid, old->kid, at * sizeof(void *));
    tri_set(fork->kid[at], kid);
    tri_memcpy(fork->kid + at + 1, old->kid + at + skip, (kids - at - skip) * sizeof(void *));
    fork_sum(fork, old, skip ? old->kid[at] : NULL, kid);
    *grown += fork_bytes(fork_kids(fork)) - fork_bytes(kids);
    return &fork->head;
}

/* A copy without kid `bit`; the other kid itself when only one would be left (L1). */
static struct list *fork_without(const struct fork *old, unsigned bit, int64_t *grown) {
    unsigned at = fork_index(old, bit), kids = fork_kids(old);
    *grown -= fork_bytes(kids);
    if (kids == 2) return old->kid[!at];
    struct fork *fork = fork_new(old->shift, old->prefix, old->bitmap & ~bit);
    tri_memcpy(fork->kid, old->kid, at * sizeof(void *));
    tri_memcpy(fork->kid + at, old->kid + at + 1, (kids - at - 1) * sizeof(void *));
    fork_sum(fork, old, old->kid[at], NULL);
    *grown += fork_bytes(kids - 1);
    return &fork->head;
}

/* ---- changes ---- */

struct list *list_put(struct list *list, struct posting *p, int64_t *grown) {
    if (!list) return &p->head;
    if (is_posting(list)) {
        if (as_posting(list)->doc != p->doc) return fork_join(list, &p->head, grown);
        *grown -= (int64_t)posting_bytes(as_posting(list));
        return &p->head;
    }
    const struct fork *fork = as_fork(list);
    if (!fork_covers(fork, p->doc)) return fork_join(list, &p->head, grown);
    unsigned bit = fork_bit(fork, p->doc);
    struct list *kid = fork->bitmap & bit ? fork->kid[fork_index(fork, bit)] : NULL;
    return fork_with(fork, bit, list_put(kid, p, grown), grown);
}

struct list *list_drop(struct list *list, uint32_t doc, int64_t *grown) {
    if (!list) return NULL;
    if (is_posting(list)) {
        if (as_posting(list)->doc != doc) return list;
        *grown -= (int64_t)posting_bytes(as_posting(list));
        return NULL;
    }
    const struct fork *fork = as_fork(list);
    unsigned bit = fork_bit(fork, doc);
    if (!fork_covers(fork, doc) || !(fork->bitmap & bit)) return list;
    struct list *old = fork->kid[fork_index(fork, bit)], *kid = list_drop(old, doc, grown);
    if (kid == old) return list;
    return kid ? fork_with(fork, bit, kid, grown) : fork_without(fork, bit, grown);
}

/* ---- reading ---- */

const struct posting *list_find(const struct list *list, uint32_t doc) {
    while (list && !is_posting(list)) {
        const struct fork *fork = as_fork(list);
        unsigned bit = fork_bit(fork, doc);
        if (!fork_covers(fork, doc) || !(fork->bitmap & bit)) return NULL;
        list = fork->kid[fork_index(fork, bit)];
    }
    return list && as_posting(list)->doc == doc ? as_posting(list) : NULL;
}

void list_each(const struct list *list, void (*fn)(void *, const struct posting *), void *arg) {
    if (!list) return;
    if (is_posting(list)) {
        fn(arg, as_posting(list));
        return;
    }
    const struct fork *fork = as_fork(list);
    for (unsigned i = 0; i < fork_kids(fork); i++) list_each(fork->kid[i], fn, arg);
}

static uint32_t best_below(const struct list *list, uint32_t bound,
                           uint32_t (*fn)(void *, const struct posting *), void *arg) {
    if (list_most(list) <= bound) return bound;
    if (is_posting(list)) return fn(arg, as_posting(list));
    const struct fork *fork = as_fork(list);
    for (unsigned i = 0; i < fork_kids(fork); i++) bound = best_below(fork->kid[i], bound, fn, arg);
    return bound;
}

void list_best(const struct list *list, uint32_t (*fn)(void *, const struct posting *), void *arg) {
    if (list) best_below(list, 0, fn, arg);
}

/* Two forks over the same numbers: the kids that both have. */
static void fork_meet(const struct fork *a, const struct fork *b,
                      void (*fn)(void *, const struct posting *, const struct posting *), void *arg) {
    for (unsigned both = a->bitmap & b->bitmap; both; both &= both - 1) {
        unsigned bit = both & -both;
        list_meet(a->kid[fork_index(a, bit)], b->kid[fork_index(b, bit)], fn, arg);
    }
}

void list_meet(const struct list *a, const struct list *b,
               void (*fn)(void *, const struct posting *, const struct posting *), void *arg) {
    if (!a || !b) return;
    if (is_posting(a) || is_posting(b)) {
        uint32_t doc = is_posting(a) ? as_posting(a)->doc : as_posting(b)->doc;
        const struct posting *in_a = list_find(a, doc), *in_b = list_find(b, doc);
        if (in_a && in_b) fn(arg, in_a, in_b);
        return;
    }
    const struct fork *fa = as_fork(a), *fb = as_fork(b);
    if (fa->shift == fb->shift) {
        if (fa->prefix == fb->prefix) fork_meet(fa, fb, fn, arg);
    } else if (fa->shift > fb->shift) {
        unsigned bit = fork_bit(fa, fb->prefix);
        if (fork_covers(fa, fb->prefix) && fa->bitmap & bit)
            list_meet(fa->kid[fork_index(fa, bit)], b, fn, arg);
    } else {
        unsigned bit = fork_bit(fb, fa->prefix);
        if (fork_covers(fb, fa->prefix) && fb->bitmap & bit)
            list_meet(a, fb->kid[fork_index(fb, bit)], fn, arg);
    }
}

/* ---- check ---- */

static const char *posting_check(const struct posting *p) {
    if (p->head.docs != 1 || p->head.lines == 0) return "posting: counts";
    if (!p->rev || !p->rev->doc || p->rev->doc->id != p->doc)
        return "posting: not of its revision's document";
    for (uint32_t i = 1; i < p->head.lines; i++)
        if (p->line[i - 1] >= p->line[i]) return "posting: lines not ascending";
    return NULL;
}

const char *list_check(const struct list *list) {
    if (!list) return NULL;
    if (is_posting(list)) return posting_check(as_posting(list));
    const struct fork *fork = as_fork(list);
    struct list sum = {0, 0};
    uint32_t most = 0;
    unsigned bits = fork->bitmap;
    if (fork_kids(fork) < 2) return "fork: fewer than two kids (L1)";
    for (unsigned i = 0; i < fork_kids(fork); i++, bits &= bits - 1) {
        const struct list *kid = fork->kid[i];
        if (!fork_covers(fork, list_key(kid))) return "fork: kid outside its prefix (L2)";
        if (fork_bit(fork, list_key(kid)) != (bits & -bits)) return "fork: kid under the wrong bit (L3)";
        if (!is_posting(kid) && as_fork(kid)->shift >= fork->shift) return "fork: kid not below (L3)";
        const char *wrong = list_check(kid);
        if (wrong) return wrong;
        sum.docs += kid->docs;
        sum.lines += kid->lines;
        if (list_most(kid) > most) most = list_most(kid);
    }
    if (most != fork->most) return "fork: maximum (L1)";
    return sum.docs == fork->head.docs && sum.lines == fork->head.lines ? NULL : "fork: sums (L1)";
}
