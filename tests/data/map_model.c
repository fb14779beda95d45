/* Maps against a simple model: random puts, look-ups, deletions, clears and iterations, many keys close together, with values that
 * are heap objects; after each stretch the two are compared whole. The model is an array indexed by key, outside the heap's
 * reach: it knows numbers, not pointers. */
#include "data_test.h"

enum { KEYS = 20000, STEPS = 400000, CHECK_EVERY = 50000 };

struct pair {
    int32_t x, y;
};
TRI_TYPE_LEAF(struct pair)
struct wide {
    struct boxed *box;
    uint64_t number, more;
};
TRI_TYPE(struct wide, box)

TRI_MAP(by_word, uint64_t, struct boxed *)
TRI_MAP(by_half, int32_t, uint64_t)
TRI_MAP(by_byte, unsigned char, uint64_t)
TRI_MAP(by_string, tri_string, struct boxed *)
TRI_MAP(by_text, const char *, uint64_t)
TRI_MAP(by_pair, struct pair, struct wide)
TRI_MAP(by_double, double, struct boxed *)

/* ---- the model ---- */

static uint64_t model[KEYS]; /* 0: not there */
static size_t model_len;
static uint64_t random_state;

static uint64_t pick(uint64_t below) { return random_next(&random_state) % below; }

/* One kind of map: how it is made, and four operations by the key's number. */
struct kind {
    const char *name;
    uint64_t keys;
    void *(*make)(void);
    void (*put)(void *map, uint64_t key, uint64_t number);
    uint64_t (*get)(void *map, uint64_t key); /* 0: not there */
    bool (*del)(void *map, uint64_t key);
    size_t (*len)(void *map);
    void (*clear)(void *map);
    size_t (*visit)(void *map, unsigned char *seen); /* marks each key it meets, once, with its right number */
};

#define COMMON(KIND)                                                                                            \
    static void *KIND##_make(void) { return tri_map_new(KIND); }                                                \
    static size_t KIND##_len(void *map) { return tri_map_len((KIND)map); }                                      \
    static void KIND##_clear(void *map) { tri_map_clear((KIND)map); }                                           \
    static bool KIND##_del(void *map, uint64_t key) { return tri_map_delete((KIND)map, KIND##_key(key)); }

static void meet(unsigned char *seen, uint64_t key, uint64_t number) {
    REQUIRE(key < KEYS, "a key that never was: %llu", (unsigned long long)key);
    REQUIRE(!seen[key], "key %llu came twice", (unsigned long long)key);
    REQUIRE(model[key] == number, "key %llu has %llu, not %llu", (unsigned long long)key, (unsigned long long)number,
            (unsigned long long)model[key]);
    seen[key] = 1;
}

#define VISIT(KIND, KEY, VALUE, key_number, value_number)                                                       \
    static size_t KIND##_visit(void *map, unsigned char *seen) {                                                \
        KEY k;                                                                                                  \
        VALUE v;                                                                                                \
        size_t n = 0;                                                                                           \
        tri_map_each((KIND)map, &k, &v) meet(seen, key_number, value_number), n++;                              \
        return n;                                                                                               \
    }

static uint64_t boxed_number(const struct boxed *b) {
    REQUIRE(b->self == b, "an object in the map is dead");
    return b->number;
}

static uint64_t by_word_key(uint64_t key) { return key << 20; }
static void by_word_put(void *map, uint64_t key, uint64_t n) { tri_map_put((by_word)map, by_word_key(key), box(n)); }
static uint64_t by_word_get(void *map, uint64_t key) {
    struct boxed **b = tri_map_get((by_word)map, by_word_key(key));
    return b ? boxed_number(*b) : 0;
}
COMMON(by_word)
VISIT(by_word, uint64_t, struct boxed *, k >> 20, boxed_number(v))

static int32_t by_half_key(uint64_t key) { return -(int32_t)key; }
static void by_half_put(void *map, uint64_t key, uint64_t n) { *tri_map_slot((by_half)map, by_half_key(key)) = n; }
static uint64_t by_half_get(void *map, uint64_t key) { return tri_map_value((by_half)map, by_half_key(key)); }
COMMON(by_half)
VISIT(by_half, int32_t, uint64_t, (uint64_t)-k, v)

static unsigned char by_byte_key(uint64_t key) { return (unsigned char)key; }
static void by_byte_put(void *map, uint64_t key, uint64_t n) { tri_map_put((by_byte)map, by_byte_key(key), n); }
static uint64_t by_byte_get(void *map, uint64_t key) { return tri_map_value((by_byte)map, by_byte_key(key)); }
COMMON(by_byte)
VISIT(by_byte, unsigned char, uint64_t, k, v)

static uint64_t number_in(tri_string s) {
    int64_t n = -1;
    REQUIRE(tri_string_to_int(tri_string_slice(s, 4, (int64_t)s.len), &n), "a damaged key");
    return (uint64_t)n;
}
static tri_string by_string_key(uint64_t key) { return tri_string_format("key:%llu", (unsigned long long)key); }
static void by_string_put(void *map, uint64_t key, uint64_t n) { tri_map_put((by_string)map, by_string_key(key), box(n)); }
static uint64_t by_string_get(void *map, uint64_t key) {
    struct boxed *b = tri_map_value((by_string)map, by_string_key(key));
    return b ? boxed_number(b) : 0;
}
COMMON(by_string)
VISIT(by_string, tri_string, struct boxed *, number_in(k), boxed_number(v))

static const char *by_text_key(uint64_t key) { return tri_string_c(by_string_key(key)); }
static void by_text_put(void *map, uint64_t key, uint64_t n) { tri_map_put((by_text)map, by_text_key(key), n); }
static uint64_t by_text_get(void *map, uint64_t key) { return tri_map_value((by_text)map, by_text_key(key)); }
COMMON(by_text)
VISIT(by_text, const char *, uint64_t, number_in(tri_string_view(k)), v)

static uint64_t pair_hash(const void *key, uint64_t seed) {
    const struct pair *p = key;
    return (uint64_t)(p->x % 16) * 31 + (seed & 1); /* as bad as they come */
}
static bool pair_equal(const void *a, const void *b) {
    const struct pair *p = a, *q = b;
    return p->x == q->x && p->y == q->y;
}
static struct pair by_pair_key(uint64_t key) { return (struct pair){(int32_t)key, 7}; }
static void *by_pair_make(void) { return tri_map_new_with(by_pair, 0, pair_hash, pair_equal); }
static void by_pair_put(void *map, uint64_t key, uint64_t n) {
    struct wide w = {box(n), n, n};
    tri_map_put((by_pair)map, by_pair_key(key), w);
}
static uint64_t by_pair_get(void *map, uint64_t key) {
    struct wide *w = tri_map_get((by_pair)map, by_pair_key(key));
    if (!w) return 0;
    REQUIRE(w->number == boxed_number(w->box) && w->more == w->number, "a value torn apart");
    return w->number;
}
#define by_pair_make made_below
COMMON(by_pair)
#undef by_pair_make
VISIT(by_pair, struct pair, struct wide, (uint64_t)k.x, boxed_number(v.box))

static double by_double_key(uint64_t key) { return (double)key / 8; }
static void by_double_put(void *map, uint64_t key, uint64_t n) { tri_map_put((by_double)map, by_double_key(key), box(n)); }
static uint64_t by_double_get(void *map, uint64_t key) {
    struct boxed *b = tri_map_value((by_double)map, by_double_key(key));
    return b ? boxed_number(b) : 0;
}
COMMON(by_double)
VISIT(by_double, double, struct boxed *, (uint64_t)(k * 8), boxed_number(v))

#define KIND(name, keys)                                                                                        \
    {#name, keys, name##_make, name##_put, name##_get, name##_del, name##_len, name##_clear, name##_visit}
static const struct kind kinds[] = {
    KIND(by_word, KEYS), KIND(by_half, KEYS), KIND(by_byte, 256), KIND(by_string, KEYS / 4), KIND(by_text, KEYS / 4),
    KIND(by_pair, 500),  KIND(by_double, KEYS),
};

/* ---- playing ---- */

static void compare(const struct kind *kind, void *map) {
    unsigned char *seen = calloc(KEYS, 1);
    REQUIRE(kind->len(map) == model_len, "%s: %zu entries, not %zu", kind->name, kind->len(map), model_len);
    size_t n = kind->visit(map, seen);
    REQUIRE(n == model_len, "%s: %zu entries were visited, not %zu", kind->name, n, model_len);
    for (uint64_t k = 0; k < kind->keys; k++)
        REQUIRE(kind->get(map, k) == model[k], "%s: key %llu", kind->name, (unsigned long long)k);
    free(seen);
}

static void step(const struct kind *kind, void *map, uint64_t lean) {
    uint64_t key = pick(kind->keys), what = pick(100);
    if (what < lean) {
        uint64_t number = 1 + pick(1u << 30);
        kind->put(map, key, number);
        model_len += !model[key];
        model[key] = number;
    } else if (what < 90) {
        bool there = kind->del(map, key);
        REQUIRE(there == (model[key] != 0), "%s: deleting %llu", kind->name, (unsigned long long)key);
        model_len -= there;
        model[key] = 0;
    } else {
        REQUIRE(kind->get(map, key) == model[key], "%s: key %llu", kind->name, (unsigned long long)key);
    }
}

static void play(const struct kind *kind, size_t steps) {
    void *map = kind->make();
    memset(model, 0, sizeof model);
    model_len = 0;
    for (size_t i = 1; i <= steps; i++) {
        step(kind, map, i % 100000 < 60000 ? 70 : 25); /* grows, then shrinks */
        if (pick(3000) == 0) tri_gc();
        if (i % CHECK_EVERY == 0) compare(kind, map);
        if (i == steps / 2) {
            kind->clear(map);
            memset(model, 0, sizeof model);
            model_len = 0;
            compare(kind, map);
        }
    }
    compare(kind, map);
}

int main(int argc, char **argv) {
    random_state = random_seed(argc, argv);
    size_t steps = argc > 2 ? strtoull(argv[2], NULL, 0) : STEPS;
    (void)made_below;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        play(&kinds[i], kinds[i].keys < KEYS ? steps / 4 : steps);
    return 0;
}
