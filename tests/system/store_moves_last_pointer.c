/* Hazard 1. A thread whose stack has been scanned takes a pointer from a global that has not, clears the
 * global, and stores the pointer into an object that is black already: then nobody but the store can tell the
 * collector.
 *
 * The collector is held between the two scans, and each way of storing into the heap does it with objects of
 * its own. */
#include "hold.h"

struct box {
    struct stamped *field, *spare;
};
TRI_TYPE(struct box, field, spare)

static struct stamped *from; /* the only way to the object */

static void by_set(struct box *to) {
    tri_set(to->field, from);
    from = NULL;
}
static void by_swap(struct box *to) { tri_swap(to->field, from); }
static void by_exchange(struct box *to) { (void)tri_exchange(to->field, from), from = NULL; }
static void by_cas(struct box *to) {
    bool done = tri_cas(to->field, NULL, from);
    REQUIRE(done, "the field was empty");
    from = NULL;
}
static void by_assign(struct box *to) {
    struct box whole = {from, NULL};
    tri_assign(*to, whole);
    from = NULL;
}
static void by_memmove(struct box *to) {
    tri_memmove(&to->field, &from, sizeof from);
    from = NULL;
}
static void by_memcpy(struct box *to) {
    tri_memcpy(&to->field, &from, sizeof from);
    from = NULL;
}
/* Out of a buffer in which it lies at no multiple of eight, next to another. */
static void by_unaligned(struct box *to) {
    static char packed[1 + sizeof(struct box)];
    memcpy(packed + 1, &from, sizeof from);
    tri_memmove(to, packed + 1, sizeof *to);
    memset(packed, 0, sizeof packed);
    from = NULL;
}
/* In the middle of much that does not begin at a multiple of eight. */
static void by_long_memmove(struct box *to) {
    enum { WORDS = 2500, MIDDLE = 16384 / 8 };
    static void *words[WORDS];
    void **block = (void **)tri_alloc(sizeof words);
    words[MIDDLE] = *(void **)(void *)from;
    from = NULL;
    tri_memmove((char *)block + 4, (char *)words + 4, sizeof words - 4);
    words[MIDDLE] = NULL;
    tri_set(to->field, (struct stamped *)(void *)&block[MIDDLE]);
}
/* Through an object that is black too: out of a field, which is overwritten, into another. */
static void by_moving_on(struct box *to) {
    tri_set(to->spare, from);
    from = NULL;
    tri_set(to->field, to->spare);
    tri_set(to->spare, NULL);
}
static void by_memmove_within(struct box *to) {
    tri_set(to->spare, from);
    from = NULL;
    tri_memmove(&to->field, &to->spare, sizeof from);
    tri_memset(&to->spare, 0, sizeof from);
}
/* The block itself comes from the global; what it holds is copied to a fresh block, and the old one dropped.
 */
static void by_realloc(struct box *to) {
    void *bigger = tri_realloc(from, 4000);
    tri_set(to->field, (struct stamped *)bigger);
    from = NULL;
}

static const struct way {
    const char *name;
    void (*move)(struct box *);
    bool inner; /* the object is one further: in the block's first word */
} ways[] = {
    {"tri_set", by_set, false},
    {"tri_swap", by_swap, false},
    {"tri_exchange", by_exchange, false},
    {"tri_cas", by_cas, false},
    {"tri_assign", by_assign, false},
    {"tri_memmove", by_memmove, false},
    {"tri_memcpy", by_memcpy, false},
    {"tri_memmove from a packed buffer", by_unaligned, false},
    {"tri_memmove of much", by_long_memmove, true},
    {"tri_set twice", by_moving_on, false},
    {"tri_memmove within an object", by_memmove_within, false},
    {"tri_realloc", by_realloc, true},
};
enum { WAYS = sizeof ways / sizeof ways[0], EACH = 8 };

static struct stamped *only[WAYS][EACH]; /* a root, filled before the cycle */
static hidden where[WAYS][EACH];
static struct box *boxes[WAYS][EACH]; /* a root; the boxes are made while marking, so they are black */

NO_INLINE static void fill(unsigned w) {
    for (unsigned i = 0; i < EACH; i++) {
        struct stamped *s = stamped_new(w * 100 + i);
        where[w][i] = tri_hide(s);
        only[w][i] = s;
        if (ways[w].inner) {
            struct stamped **block = (struct stamped **)tri_alloc(48);
            tri_set(block[0], s);
            only[w][i] = (struct stamped *)(void *)block;
        }
    }
}

NO_INLINE static void move(unsigned w) {
    for (unsigned i = 0; i < EACH; i++) {
        boxes[w][i] = tri_new(struct box);
        from = only[w][i];
        only[w][i] = NULL;
        ways[w].move(boxes[w][i]);
        REQUIRE(from == NULL, "%s has left the global as it was", ways[w].name);
    }
}

NO_INLINE static unsigned lost(unsigned w) {
    unsigned n = 0;
    for (unsigned i = 0; i < EACH; i++) {
        void *field = boxes[w][i]->field;
        if (ways[w].inner) field = *(void **)field;
        n += field != tri_reveal(where[w][i]) || !stamped_lives(where[w][i], w * 100 + i);
    }
    return n;
}

int main(void) {
    for (unsigned w = 0; w < WAYS; w++) fill(w);
    clear_stack();
    step("hold the collector while it marks");
    hold_at(HOLD_MARK);
    step("move the last pointers");
    for (unsigned w = 0; w < WAYS; w++) move(w);
    clear_stack();
    step("end the cycle");
    hold_release();
    churn();
    for (unsigned w = 0; w < WAYS; w++)
        REQUIRE(lost(w) == 0, "%s: %u of %d objects lost", ways[w].name, lost(w), EACH);
    return 0;
}
