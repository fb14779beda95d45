/* Fuzz target: bytes are operations on a map of texts and one of words with a bad hash, held against arrays; iterators stand open
 * while the maps change. Collections come now and then. Built with libFuzzer by fuzz.sh. */
#include "data_test.h"

TRI_MAP(texts, tri_string, struct boxed *)
TRI_MAP(words, uint64_t, struct boxed *)

enum { KEYS = 256 };

static uint64_t bad_hash(const void *key, uint64_t seed) { return *(const uint64_t *)key % 7 + (seed & 3); }
static bool word_equal(const void *a, const void *b) { return *(const uint64_t *)a == *(const uint64_t *)b; }

struct walk {
    tri_map_iter it;
    bool open;
    unsigned char there[KEYS]; /* from the beginning on, without a break */
    unsigned char came[KEYS];
};

struct state {
    texts by_text;
    words by_word;
    uint64_t number[KEYS]; /* 0: not there */
    size_t len;
    struct walk walk;
};

static tri_string text_of(unsigned key) { return tri_string_format("%.*s%u", (int)(key % 40), "a longer text in front of the number ....", key); }

static void put(struct state *s, unsigned key, uint64_t number) {
    tri_map_put(s->by_text, text_of(key), box(number));
    tri_map_put(s->by_word, (uint64_t)key << 32, box(number));
    s->len += !s->number[key];
    s->number[key] = number;
}

static void del(struct state *s, unsigned key) {
    bool a = tri_map_delete(s->by_text, text_of(key)), b = tri_map_delete(s->by_word, (uint64_t)key << 32);
    REQUIRE(a == b && a == (s->number[key] != 0), "deleting %u", key);
    s->len -= a;
    s->number[key] = 0;
    s->walk.there[key] = 0;
}

static void get(struct state *s, unsigned key) {
    struct boxed *a = tri_map_value(s->by_text, text_of(key)), *b = tri_map_value(s->by_word, (uint64_t)key << 32);
    REQUIRE(!a == !s->number[key] && !b == !s->number[key], "key %u", key);
    REQUIRE(!a || (box_is(a, s->number[key]) && box_is(b, s->number[key])), "value of %u", key);
}

static void clear(struct state *s) {
    tri_map_clear(s->by_text);
    tri_map_clear(s->by_word);
    memset(s->number, 0, sizeof s->number);
    memset(s->walk.there, 0, sizeof s->walk.there);
    s->len = 0;
}

/* What was there all the time must have come when the iteration ends. */
static void walk_on(struct state *s) {
    struct walk *w = &s->walk;
    uint64_t key;
    struct boxed *v;
    if (!w->open) {
        *w = (struct walk){.it = tri_map_iterate(s->by_word), .open = true};
        for (unsigned k = 0; k < KEYS; k++) w->there[k] = s->number[k] != 0;
    }
    if (tri_map_next(s->by_word, &w->it, &key, &v)) {
        key >>= 32;
        REQUIRE(s->number[key] && box_is(v, s->number[key]), "%u came, which is not there", (unsigned)key);
        REQUIRE(!(w->came[key] && w->there[key]), "%u came twice", (unsigned)key);
        w->came[key] = 1;
        return;
    }
    for (unsigned k = 0; k < KEYS; k++) REQUIRE(!w->there[k] || w->came[k], "%u did not come", k);
    w->open = false;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    static struct state s;
    s = (struct state){.by_text = tri_map_new(texts), .by_word = tri_map_new_with(words, 0, bad_hash, word_equal)};
    for (size_t i = 0; i + 1 < size; i += 2) {
        unsigned key = data[i + 1];
        switch (data[i] % 8) {
        case 0: case 1: case 2: put(&s, key, i + 1); break;
        case 3: case 4: del(&s, key); break;
        case 5: get(&s, key); break;
        case 6: walk_on(&s); break;
        default: if (key == 0) tri_gc(); else if (key == 1) clear(&s); else walk_on(&s); break;
        }
        REQUIRE(tri_map_len(s.by_text) == s.len && tri_map_len(s.by_word) == s.len, "length");
    }
    for (unsigned k = 0; k < KEYS; k++) get(&s, k);
    return 0;
}
