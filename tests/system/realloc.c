/* tri_realloc keeps contents, zeroes what is new, keeps the kind, and leaves the old block to whoever points
 * to it. */
#include "check.h"

struct pair {
    struct stamped *one;
    long number;
};
TRI_TYPE(struct pair, one)

static unsigned char pattern(size_t i) { return (unsigned char)(i * 31 + 7); }

static void grow_and_shrink(bool leaf) {
    static const size_t path[] = {1,     5,     8,     9,     100,     101,     5000, 4000, 3000, 32767,
                                  32768, 33000, 60000, 40000, 1 << 20, 3 << 20, 100,  7,    0,    64};
    size_t size = 0;
    unsigned char *p = (unsigned char *)(leaf ? tri_alloc_leaf(0) : tri_realloc(NULL, 0));
    for (unsigned k = 0; k < sizeof path / sizeof path[0]; k++) {
        size_t kept = size < path[k] ? size : path[k];
        p = (unsigned char *)tri_realloc(p, path[k]);
        for (size_t i = 0; i < kept; i++)
            REQUIRE(p[i] == pattern(i), "%zu -> %zu: byte %zu", size, path[k], i);
        for (size_t i = kept; i < path[k]; i++)
            REQUIRE(p[i] == 0, "%zu -> %zu: byte %zu is new", size, path[k], i);
        size = path[k];
        for (size_t i = 0; i < size; i++) p[i] = pattern(i);
        if (k % 5 == 0) tri_gc();
    }
}

enum { MOST = 6000 };
struct pair *pairs; /* root */
static hidden where[MOST];

/* An array of a declared type stays one: its pointers are scanned, its numbers are not. */
NO_INLINE static void grow_array(void) {
    size_t n = 1;
    pairs = tri_new_array(struct pair, 1);
    for (size_t i = 0; i < MOST; i++) {
        if (i == n) {
            n = n < MOST / 2 ? n * 3 / 2 + 1 : n + 1; /* a large one by one element */
            pairs = (struct pair *)tri_realloc(pairs, n * sizeof *pairs);
        }
        struct stamped *s = stamped_new(i);
        where[i] = tri_hide(s);
        tri_set(pairs[i].one, s);
        pairs[i].number = (long)(uintptr_t)stamped_new(i + MOST); /* no pointer, says the type */
    }
}

static unsigned numbers_live(void) {
    unsigned n = 0;
    for (size_t i = 0; i < MOST; i++)
        n += tri_is_heap((void *)(uintptr_t)pairs[i].number) &&
             stamped_ok((struct stamped *)(uintptr_t)pairs[i].number, i + MOST);
    return n;
}

/* A block that nothing lies behind grows where it is, over the borders of the page heap's chunks; all of it is one object, and when
 * it is gone nothing of it is left. */
enum { STEP_BYTES = 700000, STEPS = 60 };
NO_INLINE static hidden grow_alone(void) {
    unsigned moves = 0;
    void **block = NULL;
    for (unsigned k = 1; k <= STEPS; k++) {
        void **grown = (void **)tri_realloc(block, k * (size_t)STEP_BYTES);
        moves += grown != block;
        block = grown;
        for (size_t at = (k - 1) * (size_t)STEP_BYTES / 8; at < k * (size_t)STEP_BYTES / 8; at++) {
            REQUIRE(!block[at], "word %zu is new and not zero", at);
            block[at] = (void *)at;
        }
    }
    REQUIRE(moves < STEPS / 2, "moved %u times", moves);
    REQUIRE(tri_size(block) == STEPS * (size_t)STEP_BYTES, "the block has %zu bytes", tri_size(block));
    for (size_t at = 0; at < tri_size(block); at += 4096)
        REQUIRE(tri_base((char *)block + at) == block, "byte %zu belongs to %p", at, tri_base((char *)block + at));
    tri_set(block[STEPS * (size_t)STEP_BYTES / 8 - 1], stamped_new(5)); /* alone keeps it */
    char *volatile inside = (char *)block + STEPS * (size_t)STEP_BYTES - 100000; /* alone keeps the block */
    hidden start = tri_hide(block);
    block = NULL;
    collect();
    block = (void **)tri_base(inside);
    REQUIRE(block == tri_reveal(start), "a pointer into the last part has not kept the block");
    for (size_t at = 0; at < STEPS * (size_t)STEP_BYTES / 8 - 1; at++) REQUIRE(block[at] == (void *)at, "word %zu", at);
    REQUIRE(stamped_ok((struct stamped *)block[STEPS * (size_t)STEP_BYTES / 8 - 1], 5), "what its last word points to is lost");
    inside = NULL;
    return start;
}

static void grows_in_place(void) {
    hidden block = grow_alone();
    for (int i = 0; i < 3; i++) collect();
    char *start = (char *)tri_reveal(block);
    unsigned left = 0;
    enum { OTHERS = 64 << 10 }; /* a new object may begin where it began */
    for (size_t at = OTHERS; at < STEPS * (size_t)STEP_BYTES; at += 4096) left += tri_base(start + at) == start;
    REQUIRE(left == 0, "%u pages still belong to what is gone", left);
}

int main(void) {
    step("in place");
    grows_in_place();
    step("blocks");
    grow_and_shrink(false);
    step("leaves");
    grow_and_shrink(true);
    step("arrays");
    grow_array();
    collect();
    for (size_t i = 0; i < MOST; i++)
        REQUIRE(pairs[i].one == tri_reveal(where[i]) && stamped_lives(where[i], i), "object %zu is lost", i);
    REQUIRE(numbers_live() < MOST / 100, "%u objects live by a field that holds no pointers", numbers_live());
    step("the old block");
    char *old = (char *)tri_alloc(100);
    strcpy(old, "still here");
    char *fresh = (char *)tri_realloc(old, 100000);
    fresh[0] = 'S';
    REQUIRE(strcmp(old, "still here") == 0, "the old block reads %s", old);
    step("shrinking in place drops what was there");
    void **block = (void **)tri_alloc(1000);
    REQUIRE(tri_realloc(block, 900) == block, "a little less does not move");
    block = (void **)tri_realloc(block, 1000);
    for (size_t i = 900 / 8 + 1; i < 1000 / 8; i++) REQUIRE(!block[i], "word %zu has come back", i);
    return 0;
}
